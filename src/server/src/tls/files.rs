//! From files in PEM form to what a handshake needs.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{CertificateError, InconsistentKeys, RootCertStore, ServerConfig};
use thiserror::Error;

/// The files of one door, in PEM form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate and, after it, those that lead to an authority.
    pub certificate: PathBuf,
    /// The private key of the certificate.
    pub key: PathBuf,
    /// The authorities of which clients must bring a certificate; `None` asks for none.
    pub client_authorities: Option<PathBuf>,
}

/// What is wrong with the files.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is not in PEM form.
    #[error("{} is no PEM file: {source}", .path.display())]
    Pem {
        /// Which.
        path: PathBuf,
        /// What was found instead.
        source: pem::Error,
    },
    /// A file has no certificate in it.
    #[error("{} has no certificate in it (a section `BEGIN CERTIFICATE`)", .0.display())]
    NoCertificate(PathBuf),
    /// A file has no private key in it.
    #[error("{} has no private key in it (a section `BEGIN PRIVATE KEY`, without a password)", .0.display())]
    NoKey(PathBuf),
    /// The key is that of another certificate.
    #[error("the key in {} is not that of the certificate in {}", .key.display(), .certificate.display())]
    Mismatch {
        /// The file with the certificate.
        certificate: PathBuf,
        /// The file with the key.
        key: PathBuf,
    },
    /// The certificate was good once.
    #[error("the certificate in {} has expired", .0.display())]
    Expired(PathBuf),
    /// The certificate will be good some day.
    #[error("the certificate in {} is not valid yet", .0.display())]
    NotYetValid(PathBuf),
    /// The content of a file cannot be used.
    #[error("{} cannot be used: {reason}", .path.display())]
    Unusable {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl TlsFiles {
    /// Whether a door could use them now.
    pub fn check(&self) -> Result<(), TlsError> {
        self.load(&[]).map(drop)
    }

    /// Reads the files for connections that speak one of `protocols`, the best first.
    pub(super) fn load(&self, protocols: &[&[u8]]) -> Result<ServerConfig, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let chain = certificates(&self.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&read(&self.key)?).map_err(|source| match source {
            pem::Error::NoItemsFound => TlsError::NoKey(self.key.clone()),
            source => TlsError::Pem { path: self.key.clone(), source },
        })?;
        check_time(&self.certificate, &chain, &provider)?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(&self.certificate, &error))?;
        let builder = match &self.client_authorities {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let roots = Arc::new(authorities(path)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
                builder.with_client_cert_verifier(verifier.map_err(|error| unusable(path, &error))?)
            }
        };
        let mut config = builder.with_single_cert(chain, key).map_err(|error| match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                TlsError::Mismatch { certificate: self.certificate.clone(), key: self.key.clone() }
            }
            rustls::Error::InvalidCertificate(_) => unusable(&self.certificate, &error),
            error => unusable(&self.key, &error),
        })?;
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(config)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::Read { path: path.to_owned(), source })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = read(path)?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .map_err(|source| TlsError::Pem { path: path.to_owned(), source })?;
    if chain.is_empty() { Err(TlsError::NoCertificate(path.to_owned())) } else { Ok(chain) }
}

fn authorities(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| unusable(path, &error))?;
    }
    Ok(roots)
}

/// Refuses a certificate outside of its time, which every client would refuse later with less
/// to say about it.
fn check_time(
    path: &Path,
    chain: &[CertificateDer<'_>],
    provider: &Arc<CryptoProvider>,
) -> Result<(), TlsError> {
    let Some(certificate) = chain.first() else { return Ok(()) };
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone().into_owned()).map_err(|error| unusable(path, &error))?;
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|error| TlsError::Unusable { path: path.to_owned(), reason: error.to_string() })?;
    let Ok(name) = ServerName::try_from("localhost") else { return Ok(()) };
    // Who signed it and for which name is for clients to judge; the time is looked at first.
    match verifier.verify_server_cert(certificate, &[], &name, &[], UnixTime::now()) {
        Err(rustls::Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        )) => Err(TlsError::Expired(path.to_owned())),
        Err(rustls::Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        )) => Err(TlsError::NotYetValid(path.to_owned())),
        _ => Ok(()),
    }
}

fn unusable(path: &Path, reason: &dyn std::fmt::Display) -> TlsError {
    TlsError::Unusable { path: path.to_owned(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    /// A certificate that ends with that year, and its key.
    fn made(last_year: i32) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
        params.not_after = date_time_ymd(last_year, 12, 31);
        (params.self_signed(&key).expect("a certificate").pem(), key.serialize_pem())
    }

    fn load(certificate: &str, key: &str, authorities: Option<&str>) -> Result<ServerConfig, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let put = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("written");
            path
        };
        let files = TlsFiles {
            certificate: put("cert.pem", certificate),
            key: put("key.pem", key),
            client_authorities: authorities.map(|text| put("ca.pem", text)),
        };
        let folder = format!("{}/", folder.path().display());
        files.load(&[b"h2"]).map_err(|error| error.to_string().replace(&folder, ""))
    }

    #[test]
    fn good_files_are_taken() {
        let (certificate, key) = made(4000);
        let config = load(&certificate, &key, Some(&certificate)).expect("good files");
        assert_eq!(config.alpn_protocols, [b"h2".to_vec()]);
        // A chain and the key may stand in one file.
        let both = format!("{key}{certificate}{certificate}");
        load(&both, &both, None).expect("good files");
    }

    #[test]
    fn bad_files_are_named() {
        let (certificate, key) = made(4000);
        let (expired, expired_key) = made(2020);
        let (_, other_key) = made(4000);
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for (certificate, key, authorities, expected) in [
            ("", key.as_str(), None, "cert.pem has no certificate in it"),
            (&certificate, "", None, "key.pem has no private key in it"),
            (&certificate, &certificate, None, "key.pem has no private key in it"),
            (&certificate, &other_key, None, "the key in key.pem is not that of the certificate in cert.pem"),
            (&expired, &expired_key, None, "the certificate in cert.pem has expired"),
            (&certificate, &key, Some(""), "ca.pem has no certificate in it"),
            (&certificate, &key, Some(broken), "ca.pem cannot be used"),
            (broken, &key, None, "cert.pem cannot be used"),
            ("-----BEGIN CERTIFICATE-----\nAAAA", &key, None, "cert.pem is no PEM file"),
        ] {
            let error = load(certificate, key, authorities).expect_err(expected);
            assert!(error.starts_with(expected), "{error}\nbut expected: {expected}");
        }
        let files = TlsFiles {
            certificate: "/nowhere/cert.pem".into(),
            key: "/nowhere/key.pem".into(),
            client_authorities: None,
        };
        let error = files.load(&[]).expect_err("there is no such file").to_string();
        assert!(error.starts_with("cannot read /nowhere/cert.pem: "), "{error}");
    }
}
