//! The certificates to serve with.

use std::path::PathBuf;

use clap::Args;
use photondb::TlsFiles;
use thiserror::Error;

/// The certificates to serve with, in PEM form; one for all ports, or one for each.
#[derive(Debug, Args)]
#[command(next_help_heading = "TLS")]
pub struct TlsArguments {
    /// Serve all ports over TLS with this certificate, followed by those that lead to its authority
    #[arg(long, value_name = "FILE", env = "PHOTONDB_TLS_CERT")]
    tls_cert: Option<PathBuf>,

    /// The private key of the certificate, without a password
    #[arg(long, value_name = "FILE", env = "PHOTONDB_TLS_KEY")]
    tls_key: Option<PathBuf>,

    /// Let in only clients with a certificate of one of these authorities
    #[arg(long, value_name = "FILE", env = "PHOTONDB_TLS_CA")]
    tls_ca: Option<PathBuf>,

    /// Like --tls-cert, for the driver port alone
    #[arg(long, value_name = "FILE", env = "PHOTONDB_DRIVER_TLS_CERT")]
    driver_tls_cert: Option<PathBuf>,

    /// Like --tls-key, for the driver port alone
    #[arg(long, value_name = "FILE", env = "PHOTONDB_DRIVER_TLS_KEY")]
    driver_tls_key: Option<PathBuf>,

    /// Like --tls-ca, for the driver port alone
    #[arg(long, value_name = "FILE", env = "PHOTONDB_DRIVER_TLS_CA")]
    driver_tls_ca: Option<PathBuf>,

    /// Like --tls-cert, for the HTTP port alone
    #[arg(long, value_name = "FILE", env = "PHOTONDB_HTTP_TLS_CERT")]
    http_tls_cert: Option<PathBuf>,

    /// Like --tls-key, for the HTTP port alone
    #[arg(long, value_name = "FILE", env = "PHOTONDB_HTTP_TLS_KEY")]
    http_tls_key: Option<PathBuf>,
}

/// A certificate without a key, or the other way round. Not left to the command line's own
/// rules, which do not see what stands in a configuration file.
#[derive(Debug, Error)]
#[error(
    "TLS of the {port} port needs a certificate and its key: --tls-cert and --tls-key, or --{port}-tls-cert and \
     --{port}-tls-key"
)]
pub struct HalfOfTls {
    port: &'static str,
}

impl TlsArguments {
    /// The files of the driver port, if it is to speak TLS.
    pub fn driver_files(&self) -> Result<Option<TlsFiles>, HalfOfTls> {
        let authorities = self.driver_tls_ca.as_ref();
        self.files("driver", self.driver_tls_cert.as_ref(), self.driver_tls_key.as_ref(), authorities)
    }

    /// The files of the HTTP port, if it is to speak TLS.
    pub fn http_files(&self) -> Result<Option<TlsFiles>, HalfOfTls> {
        self.files("http", self.http_tls_cert.as_ref(), self.http_tls_key.as_ref(), None)
    }

    fn files(
        &self,
        port: &'static str,
        certificate: Option<&PathBuf>,
        key: Option<&PathBuf>,
        authorities: Option<&PathBuf>,
    ) -> Result<Option<TlsFiles>, HalfOfTls> {
        let certificate = certificate.or(self.tls_cert.as_ref()).cloned();
        let key = key.or(self.tls_key.as_ref()).cloned();
        let client_authorities = authorities.or(self.tls_ca.as_ref()).cloned();
        match (certificate, key) {
            (Some(certificate), Some(key)) => Ok(Some(TlsFiles { certificate, key, client_authorities })),
            (None, None) if client_authorities.is_none() => Ok(None),
            _ => Err(HalfOfTls { port }),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::command_line::CommandLine;

    /// What drivers and HTTP are served with.
    fn parse(arguments: &str) -> Result<[Option<TlsFiles>; 2], HalfOfTls> {
        let words = std::iter::once("photondb").chain(arguments.split_whitespace());
        let tls = CommandLine::parse_from(words).serve.tls;
        Ok([tls.driver_files()?, tls.http_files()?])
    }

    fn files(certificate: &str, key: &str, authorities: Option<&str>) -> Option<TlsFiles> {
        let client_authorities = authorities.map(PathBuf::from);
        Some(TlsFiles { certificate: certificate.into(), key: key.into(), client_authorities })
    }

    #[test]
    fn each_port_takes_its_own_files_or_those_of_all() {
        for (arguments, driver, http) in [
            ("", None, None),
            (
                "--tls-cert c --tls-key k --tls-ca a --http-tls-cert hc --http-tls-key hk",
                files("c", "k", Some("a")),
                files("hc", "hk", Some("a")),
            ),
            ("--driver-tls-cert c --driver-tls-key k --driver-tls-ca a", files("c", "k", Some("a")), None),
            ("--http-tls-cert c --http-tls-key k", None, files("c", "k", None)),
        ] {
            assert_eq!(parse(arguments).expect("whole pairs"), [driver, http], "{arguments}");
        }
    }

    #[test]
    fn half_of_what_is_needed_is_refused() {
        let halves = ["tls-cert", "tls-key", "tls-ca", "driver-tls-ca", "driver-tls-cert", "http-tls-key"];
        for flag in halves {
            let error = parse(&format!("--{flag} file")).expect_err(flag).to_string();
            assert!(error.contains("--tls-cert and --tls-key"), "{error}");
        }
    }
}
