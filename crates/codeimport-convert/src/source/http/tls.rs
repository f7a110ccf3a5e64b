//! TLS as the process has it: one configuration for all clients, and the machine's certificates once they are needed.
//!
//! Reading some hundred certificates takes longer than a whole poll. So they are read once, at the first server that shows one
//! of its own; who only speaks plain HTTP never reads them. A certificate that is added to the machine counts from the next start.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;
use std::sync::{Arc, LazyLock, OnceLock};

/// The configuration of every client. Sessions are shared, so that the second visit to a host is a shorter one.
pub(super) fn config() -> Result<ClientConfig, Error> {
    static CONFIG: LazyLock<Result<ClientConfig, Error>> = LazyLock::new(|| {
        let provider = Arc::new(ring::default_provider());
        let verifier = Arc::new(OnDemand { provider: provider.clone(), machine: OnceLock::new() });
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
    });
    CONFIG.clone()
}

/// Checks what servers show as the machine would have it, and asks the machine at the first of them.
#[derive(Debug)]
struct OnDemand {
    provider: Arc<CryptoProvider>,
    machine: OnceLock<Result<Verifier, Error>>,
}

impl OnDemand {
    fn machine(&self) -> Result<&Verifier, Error> {
        self.machine.get_or_init(|| Verifier::new(self.provider.clone())).as_ref().map_err(Clone::clone)
    }
}

impl ServerCertVerifier for OnDemand {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.machine()?.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.machine()?.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.machine()?.verify_tls13_signature(message, cert, dss)
    }

    /// Asked for before a server has shown anything: what the provider can check.
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
