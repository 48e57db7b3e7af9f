//! The CA of a development set: it signs certificates and the list of those that are revoked.

use std::{net::IpAddr, time::Duration};

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};

use crate::{
    cli::CliError,
    lang::say,
    limits::{CERTIFICATE_SERIAL_BYTES, DEV_CLOCK_LEEWAY},
};

/// The name in the CA's certificate. It is always the same, so that the key alone suffices to sign.
const NAME: &str = "Tidu development CA";

/// When certificates begin and end, in seconds since 1970.
#[derive(Clone, Copy)]
pub(super) struct Validity {
    pub(super) from: u64,
    pub(super) until: u64,
}

/// A certificate with its key, in PEM.
pub(super) struct Made {
    pub(super) certificate: String,
    pub(super) key: String,
}

/// A certificate that is no longer accepted.
pub(super) struct Revoked {
    pub(super) serial: Vec<u8>,
    pub(super) at: u64,
}

pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    validity: Validity,
}

fn failed(error: &rcgen::Error) -> CliError {
    CliError::Message(say!(
        en: "a certificate cannot be made: {error}", zh: "无法制作证书：{error}"
    ))
}

/// What all certificates have in common.
fn params(name: &str, validity: Validity) -> Result<CertificateParams, CliError> {
    let mut params = CertificateParams::default();
    let at = |seconds| date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds);
    params.not_before = at(validity.from.saturating_sub(DEV_CLOCK_LEEWAY.as_secs()));
    params.not_after = at(validity.until);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.use_authority_key_identifier_extension = true;
    params.serial_number = Some(serial()?);
    Ok(params)
}

fn serial() -> Result<SerialNumber, CliError> {
    let mut bytes = [0; CERTIFICATE_SERIAL_BYTES];
    super::fill(&mut bytes)?;
    // A serial number is positive and has no zero in front.
    bytes[0] = bytes[0] & 0x3f | 0x40;
    Ok(SerialNumber::from_slice(&bytes))
}

fn of_ca(validity: Validity) -> Result<CertificateParams, CliError> {
    let mut params = params(NAME, validity)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

impl Authority {
    /// A new CA, and its certificate with its key.
    pub(super) fn new(validity: Validity) -> Result<(Self, Made), CliError> {
        let key = KeyPair::generate().map_err(|e| failed(&e))?;
        let params = of_ca(validity)?;
        let certificate = params.self_signed(&key).map_err(|e| failed(&e))?.pem();
        let made = Made { certificate, key: key.serialize_pem() };
        Ok((Self { issuer: Issuer::new(params, key), validity }, made))
    }

    /// The CA of a key. It signs nothing that goes on longer than `validity`.
    pub(super) fn of_key(pem: &str, validity: Validity) -> Result<Self, CliError> {
        let key = KeyPair::from_pem(pem).map_err(|e| failed(&e))?;
        Ok(Self { issuer: Issuer::new(of_ca(validity)?, key), validity })
    }

    /// The certificate of a server with these names.
    pub(super) fn server(&self, hosts: &[String]) -> Result<Made, CliError> {
        let name = |host: &String| {
            Ok(match host.parse::<IpAddr>() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) => SanType::DnsName(host.clone().try_into().map_err(|_| {
                    CliError::Message(say!(
                        en: "--host {host:?} is not a host name or an address",
                        zh: "--host {host:?} 不是主机名或地址"
                    ))
                })?),
            })
        };
        let mut params = params("tidu", self.validity)?;
        params.subject_alt_names = hosts.iter().map(name).collect::<Result<_, CliError>>()?;
        self.sign(params, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// The certificate of a principal: it names one URI and nothing else.
    pub(super) fn client(&self, principal: &str, uri: &str) -> Result<Made, CliError> {
        let mut params = params(principal, self.validity)?;
        let uri = uri.to_owned().try_into().map_err(|e| failed(&e))?;
        params.subject_alt_names = vec![SanType::URI(uri)];
        self.sign(params, ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn sign(
        &self,
        mut params: CertificateParams,
        purpose: ExtendedKeyUsagePurpose,
    ) -> Result<Made, CliError> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![purpose];
        let key = KeyPair::generate().map_err(|e| failed(&e))?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(|e| failed(&e))?;
        Ok(Made { certificate: certificate.pem(), key: key.serialize_pem() })
    }

    /// The list of revoked certificates. Its number rises with each that it names.
    pub(super) fn revocations(&self, revoked: &[Revoked]) -> Result<String, CliError> {
        let at = |seconds| date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds);
        let number = u64::try_from(revoked.len()).unwrap_or(u64::MAX).saturating_add(1);
        let entry = |revoked: &Revoked| RevokedCertParams {
            serial_number: SerialNumber::from_slice(&revoked.serial),
            revocation_time: at(revoked.at),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: at(self.validity.from.saturating_sub(DEV_CLOCK_LEEWAY.as_secs())),
            next_update: at(self.validity.until),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: revoked.iter().map(entry).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).and_then(|list| list.pem()).map_err(|e| failed(&e))
    }
}
