//! An HTTP client and a reader of metrics, from inside a namespace.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::{Error, Namespace, Result};

/// How long one request may take.
const LIMIT: Duration = Duration::from_secs(5);

/// An answer.
#[derive(Debug, Clone)]
pub struct Page {
    /// The status code.
    pub status: u16,
    /// The text.
    pub body: String,
    /// How long it took, the connection included.
    pub took: Duration,
}

/// GET from inside `namespace`, on a new connection. An error is that there was no answer; 404 is an answer.
pub fn get(namespace: &Namespace, url: &str) -> Result<Page> {
    namespace.run(|| {
        let problem = |error: ureq::Error| Error::Http {
            url: url.to_owned(),
            problem: error.to_string(),
        };
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_global(Some(LIMIT))
            .http_status_as_error(false)
            .build()
            .into();
        let started = Instant::now();
        let mut answer = agent.get(url).call().map_err(problem)?;
        let body = answer
            .body_mut()
            .with_config()
            .limit(256 << 20)
            .read_to_string()
            .map_err(problem)?;
        Ok(Page {
            status: answer.status().as_u16(),
            body,
            took: started.elapsed(),
        })
    })
}

/// What a `/metrics` page says.
#[derive(Debug, Clone)]
pub struct Metrics(String);

impl Metrics {
    /// Reads `/metrics` of a listener inside `namespace`.
    pub fn of(namespace: &Namespace, listener: SocketAddr) -> Result<Metrics> {
        let page = get(namespace, &format!("http://{listener}/metrics"))?;
        Ok(Metrics(page.body))
    }

    /// A page that is at hand already.
    pub fn from_text(text: impl Into<String>) -> Metrics {
        Metrics(text.into())
    }

    /// The page.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The sum of a metric over all its labels, `None` if it does not exist.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.value_where(name, "")
    }

    /// The sum over the lines whose labels contain `label`, such as `type="Echo Request"`.
    pub fn value_where(&self, name: &str, label: &str) -> Option<f64> {
        let values = self.0.lines().filter_map(|line| {
            let rest = line.strip_prefix(name)?;
            let (labels, value) = match rest.strip_prefix('{') {
                Some(labelled) => labelled.rsplit_once('}')?,
                None => ("", rest),
            };
            let of_another_name = !rest.starts_with([' ', '{']);
            (!of_another_name && labels.contains(label)).then(|| value.trim().parse::<f64>().ok())?
        });
        values.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
    }
}

/// Whether `/readyz` of a listener inside `namespace` answers 200; what it answers otherwise.
pub fn ready(namespace: &Namespace, listener: SocketAddr) -> Result<(), String> {
    match get(namespace, &format!("http://{listener}/readyz")) {
        Ok(page) if page.status == 200 => Ok(()),
        Ok(page) => Err(format!("/readyz answers {}: {}", page.status, page.body.trim())),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::Metrics;

    #[test]
    fn metrics_are_found_by_name_and_label() {
        let metrics = Metrics::from_text(
            "# TYPE enb_active_sessions_total gauge\n\
             enb_active_sessions_total 5\n\
             enb_messages_sent_total{dst=\"192.0.2.1\",type=\"Echo Request\"} 2\n\
             enb_messages_sent_total{dst=\"192.0.2.2\",type=\"Echo Request\"} 1\n\
             enb_messages_sent_total{dst=\"192.0.2.2\",type=\"Create Session Request\"} 7\n",
        );
        assert_eq!(metrics.value("enb_active_sessions_total"), Some(5.0));
        assert_eq!(metrics.value("enb_active_sessions"), None);
        assert_eq!(metrics.value("enb_messages_sent_total"), Some(10.0));
        assert_eq!(
            metrics.value_where("enb_messages_sent_total", "type=\"Echo Request\""),
            Some(3.0)
        );
        assert_eq!(metrics.value("sgw_active_sessions_total"), None);
    }
}
