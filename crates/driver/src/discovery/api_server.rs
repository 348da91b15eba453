//! The API server of the cluster that this pod is in: where it is, and how it is asked, by what Kubernetes gives a pod.
//!
//! The crate kube can find that out, too, and kubeconfig files, commands that give tokens, and proxies besides, which a pod
//! has not: most of what it would add to a program.

use std::fs;
use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderValue, Request, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::Client;
use kube::client::Body;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tower::{BoxError, service_fn};

/// Where the service account of a pod is: `token`, `ca.crt` and `namespace`.
const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// An API server, and the account with which it is asked.
#[derive(Debug, Clone)]
pub(super) struct ApiServer {
    /// `https://HOST:PORT`
    pub(super) url: String,
    pub(super) account: PathBuf,
}

impl ApiServer {
    pub(super) fn of_this_pod() -> Result<ApiServer, String> {
        let variable = |name| {
            std::env::var(name).map_err(|_| format!("{name} is not set: this is no pod of Kubernetes"))
        };
        let host = variable("KUBERNETES_SERVICE_HOST")?;
        let port = variable("KUBERNETES_SERVICE_PORT")?;
        let url = match host.parse::<Ipv6Addr>() {
            Ok(host) => format!("https://[{host}]:{port}"),
            Err(_) => format!("https://{host}:{port}"),
        };
        let account = ACCOUNT.into();
        Ok(ApiServer { url, account })
    }

    /// A client for our own namespace. It takes the token from the file each time, for Kubernetes changes it there.
    pub(super) fn client(&self) -> Result<Client, String> {
        let namespace = self.read("namespace")?;
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(self.tls()?)
            .https_or_http()
            .enable_http1()
            .build();
        let http: Http<HttpsConnector<HttpConnector>, Body> =
            Http::builder(TokioExecutor::new()).build(connector);
        let server = self.clone();
        let ask = move |request| {
            let request = server.addressed(request).map(|request| http.request(request));
            async { Ok::<_, BoxError>(request?.await?) }
        };
        Ok(Client::new(service_fn(ask), namespace))
    }

    /// The request with the server's address and the token.
    fn addressed(&self, mut request: Request<Body>) -> Result<Request<Body>, BoxError> {
        *request.uri_mut() = format!("{}{}", self.url, request.uri()).parse::<Uri>()?;
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", self.read("token")?))?;
        bearer.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, bearer);
        Ok(request)
    }

    fn tls(&self) -> Result<ClientConfig, String> {
        let file = self.account.join("ca.crt");
        let unreadable = |error: &dyn std::error::Error| format!("{}: {error}", file.display());
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(&file).map_err(|error| unreadable(&error))? {
            let certificate = certificate.map_err(|error| unreadable(&error))?;
            roots.add(certificate).map_err(|error| unreadable(&error))?;
        }
        let versions = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        Ok(versions.with_root_certificates(roots).with_no_client_auth())
    }

    fn read(&self, name: &str) -> Result<String, String> {
        let file = self.account.join(name);
        let text = fs::read_to_string(&file).map_err(|error| {
            format!(
                "{}: {error}; the pod needs `automountServiceAccountToken: true`",
                file.display()
            )
        })?;
        Ok(text.trim().to_owned())
    }
}
