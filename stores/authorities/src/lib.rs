//! The certificates of the authorities that this machine trusts, by which servers are verified.

use rustls::RootCertStore;

/// The certificates of the machine, or of the file that `SSL_CERT_FILE` names. Those that cannot be read are left out.
///
/// # Errors
/// What is wrong if there are none.
pub fn of_this_machine() -> Result<RootCertStore, &'static str> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    match roots.is_empty() {
        true => Err("this machine has no certificates of authorities"),
        false => Ok(roots),
    }
}
