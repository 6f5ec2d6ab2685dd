//! Who is trusted at the other end, and what is kept of a TLS connection as evidence.

use std::sync::{Arc, Mutex};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct,
    PeerIncompatible, ProtocolVersion, RootCertStore, SignatureScheme,
};

use super::WireError;
use super::native::Native;
use crate::acquire::{Tls, Trust};
use crate::types::Sha256Digest;

/// Label of the channel binding `tls-exporter` (RFC 9266 section 2).
const EXPORTER: &[u8] = b"EXPORTER-Channel-Binding";

/// Judges a certificate: by its digest where one is pinned, else by the roots.
#[derive(Debug)]
struct Judge {
    provider: Arc<CryptoProvider>,
    roots: Option<Arc<WebPkiServerVerifier>>,
    pin: Option<[u8; 32]>,
    /// Digest of the server's certificate, so that a refusal can name it.
    seen: Mutex<Option<Sha256Digest>>,
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let digest = Sha256Digest::of(leaf);
        if let Ok(mut seen) = self.seen.lock() {
            *seen = Some(digest);
        }
        match (self.pin, &self.roots) {
            (Some(pin), _) if pin == *digest.as_bytes() => Ok(ServerCertVerified::assertion()),
            (None, Some(roots)) => roots.verify_server_cert(leaf, chain, name, ocsp, now),
            _ => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// How the connections of one account are protected; made once, since reading the system's roots takes time.
#[derive(Clone, Debug)]
pub struct Protection {
    config: Arc<ClientConfig>,
    judge: Arc<Judge>,
    trusted_by: &'static str,
    native: Option<Native>,
}

impl Protection {
    /// By what the examiner said.
    ///
    /// # Errors
    /// In words, when there is no certificate to trust.
    pub fn new(trust: &Trust) -> Result<Self, String> {
        let provider = Arc::new(ring::default_provider());
        let (roots, trusted_by) = roots(trust)?;
        // With OpenSSL nothing is trusted by rustls, which then has nothing to do.
        let (native, pin, roots) = if trust.native {
            let der = roots.iter().flatten().map(AsRef::as_ref);
            (Some(Native::new(der, trust.pin, trusted_by)?), None, None)
        } else {
            (None, trust.pin, roots)
        };
        let roots = match roots {
            None => None,
            Some(roots) => Some(
                WebPkiServerVerifier::builder_with_provider(
                    Arc::new(store(roots, trust)?),
                    Arc::clone(&provider),
                )
                .build()
                .map_err(|e| e.to_string())?,
            ),
        };
        let judge = Arc::new(Judge { provider: Arc::clone(&provider), roots, pin, seen: Mutex::new(None) });
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| e.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&judge) as Arc<dyn ServerCertVerifier>)
            .with_no_client_auth();
        // Each session proves the certificate anew, so that each has a chain to keep.
        config.resumption = rustls::client::Resumption::disabled();
        Ok(Self { config: Arc::new(config), judge, trusted_by, native })
    }

    /// OpenSSL in place of rustls, where the examiner said so.
    pub(super) fn native(&self) -> Option<&Native> {
        self.native.as_ref()
    }

    /// A connection to `host` that has said nothing yet.
    ///
    /// # Errors
    /// In words, when `host` is no name that a certificate can hold.
    pub fn client(&self, host: &str) -> Result<ClientConnection, String> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| "its name is none for a certificate".to_owned())?;
        ClientConnection::new(Arc::clone(&self.config), name).map_err(|e| e.to_string())
    }

    /// What a connection that stands is, as evidence.
    pub fn evidence(&self, connection: &ClientConnection) -> Tls {
        let version = match connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => "TLSv1.3".to_owned(),
            Some(ProtocolVersion::TLSv1_2) => "TLSv1.2".to_owned(),
            other => format!("{other:?}"),
        };
        let cipher = connection.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite()));
        let chain = connection.peer_certificates().unwrap_or_default();
        Tls {
            version,
            cipher: cipher.unwrap_or_default().replace("TLS13_", "TLS_"),
            chain: chain.iter().map(|c| c.to_vec()).collect(),
            trusted_by: self.trusted_by,
            library: None,
        }
    }

    /// Why a handshake failed, in words that help.
    pub fn explain(&self, error: &rustls::Error) -> WireError {
        let seen = self.judge.seen.lock().ok().and_then(|seen| *seen);
        match error {
            rustls::Error::PeerIncompatible(
                PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
            )
            | rustls::Error::AlertReceived(AlertDescription::ProtocolVersion) => {
                let why = "the server speaks only TLS 1.1 or older, which are broken (RFC 8996) and not spoken here";
                WireError::OldTls(why.to_owned())
            }
            rustls::Error::AlertReceived(
                AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity,
            )
            | rustls::Error::PeerIncompatible(_) => WireError::OldTls(format!(
                "no cipher suite in common: the server may know only old ones (CBC, RSA key exchange) or TLS 1.1 ({error})"
            )),
            rustls::Error::InvalidMessage(_) => WireError::Tls(format!(
                "what the server sent is not TLS ({error}); the port may be one that starts in the clear"
            )),
            rustls::Error::InvalidCertificate(CertificateError::Other(other)) if is_own_authority(other) => {
                seen.map_or_else(|| WireError::Tls(error.to_string()), WireError::OwnAuthority)
            }
            rustls::Error::InvalidCertificate(_) => WireError::Tls(match (self.judge.pin, seen) {
                (Some(_), Some(digest)) => {
                    format!("the certificate is not the pinned one; its SHA-256 is {digest}")
                }
                (None, Some(digest)) => format!("{error}; the SHA-256 of the certificate is {digest}"),
                _ => error.to_string(),
            }),
            _ => WireError::Tls(error.to_string()),
        }
    }
}

/// Whether a certificate was refused since it is that of an authority, and stands for a server. The error is known by
/// its name alone.
fn is_own_authority(error: &rustls::OtherError) -> bool {
    format!("{error:?}").contains("CaUsedAsEndEntity")
}

/// The certificates to trust and where they are from; `None` with a pin.
type Roots = (Option<Vec<CertificateDer<'static>>>, &'static str);

/// By what the examiner said.
fn roots(trust: &Trust) -> Result<Roots, String> {
    if trust.pin.is_some() {
        return Ok((None, "pin"));
    }
    let Some(file) = &trust.ca_file else {
        return Ok((Some(rustls_native_certs::load_native_certs().certs), "system"));
    };
    let unreadable =
        |e: rustls::pki_types::pem::Error| format!("cannot read certificates of {}: {e}", file.display());
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).map_err(unreadable)?.collect();
    let found = found.map_err(unreadable)?;
    if found.is_empty() {
        return Err(format!("there is no certificate (PEM) in {}", file.display()));
    }
    Ok((Some(found), "ca-file"))
}

/// The same for rustls.
fn store(roots: Vec<CertificateDer<'static>>, trust: &Trust) -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    if let Some(file) = &trust.ca_file {
        for certificate in roots {
            store
                .add(certificate)
                .map_err(|e| format!("a certificate of {} is none to trust: {e}", file.display()))?;
        }
        return Ok(store);
    }
    store.add_parsable_certificates(roots);
    if store.is_empty() {
        return Err("the system has no certificates to trust; name a file of them or pin one".to_owned());
    }
    Ok(store)
}

/// Channel binding data of type `tls-exporter` (RFC 9266): 32 bytes, with TLS 1.3 alone, where they are unique without
/// more.
pub(super) fn exporter(connection: &ClientConnection) -> Option<Vec<u8>> {
    if connection.protocol_version() != Some(ProtocolVersion::TLSv1_3) {
        return None;
    }
    connection.export_keying_material(vec![0u8; 32], EXPORTER, Some(b"")).ok()
}
