//! The client behind the eNB, in the demo's image: fetches a page, again and again.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use clap::Parser;
use epc_lab::demo::{Route, Stop};
use epc_lab::{Error, Result};

/// Octets that are kept of a page, to be printed, and
const SHOWN: usize = 256;
/// where a text is looked for in it.
const SEARCHED: usize = 1024 * 1024;

/// Fetches a page until it has it, prints it, and goes on every few seconds. Without a page, adds its route and ends.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// What to fetch.
    #[arg(required_unless_present = "route")]
    url: Option<String>,
    /// A page without this text in its first MiB counts as one that did not come.
    #[arg(long, value_name = "TEXT")]
    expect: Option<String>,
    /// A page counts only when the number behind this text has grown since the first fetch, such as a counter of metrics.
    #[arg(long, value_name = "TEXT")]
    grows: Option<String>,
    /// End with the first page.
    #[arg(long)]
    once: bool,
    /// Seconds between two fetches, and until a fetch that failed is repeated.
    #[arg(long, default_value = "5", value_parser = seconds)]
    interval: Duration,
    /// Seconds that one fetch may take.
    #[arg(long, default_value = "30", value_parser = seconds)]
    timeout: Duration,
    /// Read no more than so many octets a second; 0 is as fast as they come.
    #[arg(long, default_value_t = 0)]
    rate: u64,
    #[command(flatten)]
    route: Route,
}

fn seconds(text: &str) -> std::result::Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= 86_400.0 => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("expected seconds, more than 0, at most 86400".to_owned()),
    }
}

pub(crate) fn run(args: Args) -> Result<()> {
    let stop = Stop::listen()?;
    args.route.add()?;
    let Some(url) = args.url.clone() else {
        return Ok(());
    };
    let once = args.once;
    let fetching = std::thread::spawn(move || fetch_again_and_again(&url, &args));
    if once {
        std::thread::spawn(move || {
            let _ = stop.wait();
            std::process::exit(1);
        });
        return fetching
            .join()
            .map_err(|_| Error::Refused("the fetch has ended".to_owned()));
    }
    stop.wait()
}

fn fetch_again_and_again(url: &str, args: &Args) {
    let mut last = None;
    let mut before = None;
    loop {
        let began = Instant::now();
        let told = match fetch(url, args).and_then(|page| page.grown(url, args, &mut before)) {
            Ok(page) => {
                let took = began.elapsed().as_secs_f64();
                // A page is worth a line each time, what failed only when it changes.
                println!("{url}: {} octets in {took:.3} s: {}", page.octets, page.text());
                if args.once {
                    return;
                }
                None
            }
            Err(error) => Some(error.to_string()),
        };
        if told.is_some() && told != last {
            println!("{url}: {}", told.as_deref().unwrap_or_default());
        }
        last = told;
        std::thread::sleep(args.interval);
    }
}

struct Page {
    octets: u64,
    start: Vec<u8>,
}

impl Page {
    fn contains(&self, text: &str) -> bool {
        text.is_empty() || self.start.windows(text.len()).any(|part| part == text.as_bytes())
    }

    /// The page, if the number that is to grow has grown.
    fn grown(self, url: &str, args: &Args, before: &mut Option<f64>) -> Result<Page> {
        let Some(text) = &args.grows else {
            return Ok(self);
        };
        let now = self.number_behind(text);
        let first = *before.get_or_insert(now);
        if now > first {
            return Ok(self);
        }
        Err(Error::Http {
            url: url.to_owned(),
            problem: format!("`{text}` is {first} and does not grow"),
        })
    }

    /// A counter that nothing was added to yet may not be there.
    fn number_behind(&self, text: &str) -> f64 {
        let page = String::from_utf8_lossy(&self.start);
        let behind = page.split_once(text).map(|(_, behind)| behind);
        let word = behind.and_then(|behind| behind.split_whitespace().next());
        word.and_then(|word| word.parse().ok()).unwrap_or_default()
    }

    /// Its beginning without tags, on one line.
    fn text(&self) -> String {
        let mut inside_tag = false;
        let start = String::from_utf8_lossy(&self.start[..self.start.len().min(SHOWN)]);
        let words: String = start
            .chars()
            .filter_map(|c| match c {
                '<' => {
                    inside_tag = true;
                    Some(' ')
                }
                '>' => {
                    inside_tag = false;
                    Some(' ')
                }
                c if inside_tag || (c.is_control() && !c.is_whitespace()) => None,
                c => Some(c),
            })
            .collect();
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

fn fetch(url: &str, args: &Args) -> Result<Page> {
    let problem = |problem: String| Error::Http {
        url: url.to_owned(),
        problem,
    };
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(args.timeout))
        .build()
        .into();
    let mut answer = agent
        .get(url)
        .call()
        .map_err(|error| problem(error.to_string()))?;
    let mut body = answer.body_mut().with_config().limit(u64::MAX).reader();
    let mut page = Page {
        octets: 0,
        start: Vec::new(),
    };
    let began = Instant::now();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let length = match body.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(problem(format!("after {} octets: {error}", page.octets))),
        };
        page.octets += length as u64;
        let searched = args.expect.is_some() || args.grows.is_some();
        let kept = if searched { SEARCHED } else { SHOWN };
        let room = kept.saturating_sub(page.start.len()).min(length);
        page.start.extend_from_slice(&buffer[..room]);
        if let Some(millis) = (page.octets * 1000).checked_div(args.rate) {
            std::thread::sleep(Duration::from_millis(millis).saturating_sub(began.elapsed()));
        }
    }
    match &args.expect {
        Some(text) if !page.contains(text) => Err(problem(format!("the page does not say `{text}`"))),
        Some(_) | None => Ok(page),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_counts_when_its_number_has_grown_since_the_first_one() {
        let args = Args::parse_from([
            "external-client",
            "--grows",
            "pages_total{ok}",
            "http://192.0.2.1/",
        ]);
        let mut before = None;
        let mut counts = |text: &str| {
            let start = text.as_bytes().to_vec();
            let page = Page { octets: 0, start };
            page.grown("", &args, &mut before).is_ok()
        };
        assert!(!counts("# nothing yet"));
        assert!(!counts("pages_total{ok} 0\n"));
        assert!(!counts("pages_total{failed} 3\npages_total{ok} 0\n"));
        assert!(counts("pages_total{failed} 3\npages_total{ok} 1\nothers 5\n"));
        before = Some(1.0);
        let page = |text: &str| Page {
            octets: 0,
            start: text.as_bytes().to_vec(),
        };
        assert!(page("pages_total{ok} 1\n").grown("", &args, &mut before).is_err());
    }
}
