//! In a build without the feature `native-tls`: nothing of this can come to be.

use std::convert::Infallible;
use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use crate::acquire::Tls;

/// Never there.
#[derive(Clone, Debug)]
pub(super) struct Native(Infallible);

impl Native {
    pub(super) fn new<'c>(
        _: impl Iterator<Item = &'c [u8]>,
        _: Option<[u8; 32]>,
        _: &'static str,
    ) -> Result<Self, String> {
        Err("this build has no OpenSSL: it was built without the feature native-tls".to_owned())
    }

    pub(super) fn tunnel(&self, _: &str, _: TcpStream, _: Arc<AtomicBool>) -> Result<Tunnel, String> {
        match self.0 {}
    }
}

/// Never there.
pub(super) struct Tunnel(Infallible);

impl Tunnel {
    pub(super) fn handshake(&mut self, _: Instant) -> io::Result<()> {
        match self.0 {}
    }

    pub(super) fn read(&mut self, _: &mut [u8], _: Instant) -> io::Result<usize> {
        match self.0 {}
    }

    pub(super) fn write(&mut self, _: &[u8], _: Instant) -> io::Result<usize> {
        match self.0 {}
    }

    pub(super) fn close(&mut self, _: Instant) {
        match self.0 {}
    }

    pub(super) fn exporter(&self) -> Option<Vec<u8>> {
        match self.0 {}
    }

    pub(super) fn evidence(&self) -> Tls {
        match self.0 {}
    }
}
