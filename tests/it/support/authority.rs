//! A certificate authority that lives as long as a test: one for each, so that nothing trusts anything else.
#![allow(dead_code, reason = "not every test of servers is written yet")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// The authority and one certificate below it.
pub(crate) struct Authority {
    /// The authority's certificate, PEM.
    pub(crate) ca_pem: String,
    /// The server's certificate, PEM.
    pub(crate) leaf_pem: String,
    /// Its key, PEM.
    pub(crate) key_pem: String,
    leaf: CertificateDer<'static>,
    key: Vec<u8>,
}

impl Authority {
    /// For `localhost`, `127.0.0.1` and `::1`.
    pub(crate) fn new() -> Self {
        Self::for_names(&["localhost", "127.0.0.1", "::1"])
    }

    /// For other names.
    pub(crate) fn for_names(names: &[&str]) -> Self {
        let ca_key = KeyPair::generate().unwrap();
        let mut ca = CertificateParams::default();
        ca.distinguished_name.push(DnType::CommonName, "an authority of a test");
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
        let issuer = Issuer::new(ca, ca_key);
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        let leaf = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        Self {
            ca_pem,
            leaf_pem: leaf.pem(),
            key_pem: key.serialize_pem(),
            leaf: leaf.der().clone(),
            key: key.serialize_der(),
        }
    }

    /// A certificate that is its own authority.
    pub(crate) fn of_itself() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut own = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let own = own.self_signed(&key).unwrap();
        Self {
            ca_pem: own.pem(),
            leaf_pem: own.pem(),
            key_pem: key.serialize_pem(),
            leaf: own.der().clone(),
            key: key.serialize_der(),
        }
    }

    /// Writes the authority's certificate, for `--ca-file`.
    pub(crate) fn ca_file(&self, dir: &Path) -> PathBuf {
        let path = dir.join("ca.pem");
        std::fs::write(&path, &self.ca_pem).unwrap();
        path
    }

    /// SHA-256 of the server's certificate, for a pin.
    pub(crate) fn pin(&self) -> [u8; 32] {
        use sha2::Digest as _;
        sha2::Sha256::digest(&self.leaf).into()
    }

    /// What a server of ours needs to speak TLS, in the versions named (all that rustls has when empty).
    pub(crate) fn server(&self) -> Arc<ServerConfig> {
        self.server_of(rustls::ALL_VERSIONS)
    }

    /// The same, with only some versions.
    pub(crate) fn server_of(
        &self,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> Arc<ServerConfig> {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.clone()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.leaf.clone()], key)
            .unwrap();
        Arc::new(config)
    }

    /// A server that speaks one version of TLS alone, by OpenSSL: what rustls has no part in.
    #[cfg(feature = "native-tls")]
    pub(crate) fn old_server(&self, version: &str) -> openssl::ssl::SslAcceptor {
        use openssl::pkey::PKey;
        use openssl::ssl::{SslAcceptor, SslMethod, SslVersion};
        use openssl::x509::X509;
        let version = match version {
            "1.0" => SslVersion::TLS1,
            "1.1" => SslVersion::TLS1_1,
            "1.2" => SslVersion::TLS1_2,
            _ => SslVersion::TLS1_3,
        };
        let mut builder = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls()).unwrap();
        builder.set_security_level(0);
        builder.set_cipher_list("DEFAULT:@SECLEVEL=0").unwrap();
        builder.clear_options(openssl::ssl::SslOptions::all());
        builder.set_min_proto_version(Some(version)).unwrap();
        builder.set_max_proto_version(Some(version)).unwrap();
        builder.set_private_key(&PKey::private_key_from_pem(self.key_pem.as_bytes()).unwrap()).unwrap();
        builder.set_certificate(&X509::from_pem(self.leaf_pem.as_bytes()).unwrap()).unwrap();
        builder.build()
    }
}
