//! Signatures as Standard Webhooks defines them: HMAC-SHA-256 over `<id>.<timestamp>.<body>`.

use std::{env, path::Path};

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::DeliveryError;
use crate::{
    files,
    lang::{say, word},
    limits::{SECRETS_BYTES_MAX, WEBHOOK_SECRET_BYTES_MAX, WEBHOOK_SECRET_BYTES_MIN},
};

/// Environment variable of the secret. A flag would show it in the list of processes.
pub(super) const VARIABLE: &str = "TIDU_WEBHOOK_SECRET";
/// Prefix of a secret.
const PREFIX: &str = "whsec_";
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The secrets to sign with: one, or the old and the new one while it is replaced.
pub(super) struct Secrets(Vec<Hmac<Sha256>>);

impl Secrets {
    /// Reads them from a file, or else from the environment.
    pub(super) fn load(file: Option<&Path>) -> Result<Self, DeliveryError> {
        let (from, text) = match file {
            Some(path) => {
                let failed = |e| {
                    let path = path.display();
                    DeliveryError::Io(say!(en: "cannot read {path}", zh: "无法读取 {path}"), e)
                };
                (
                    path.display().to_string(),
                    files::read_text(path, SECRETS_BYTES_MAX).map_err(failed)?,
                )
            }
            None => (VARIABLE.to_owned(), env::var(VARIABLE).unwrap_or_default()),
        };
        Self::parse(&text).map_err(|why| {
            let how = "echo \"whsec_$(openssl rand -base64 32)\"";
            DeliveryError::Stopped(say!(
                en: "{from}: {why}; make one with: {how}", zh: "{from}：{why}；可这样生成：{how}"
            ))
        })
    }

    /// Reads secrets, separated by white space.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let secrets: Vec<_> = text.split_whitespace().map(secret).collect::<Result<_, _>>()?;
        if secrets.is_empty() {
            return Err(word!(en: "it contains no secret", zh: "其中没有密钥").to_owned());
        }
        Ok(Self(secrets))
    }

    /// The value of `webhook-signature`: one signature a secret.
    pub(super) fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let signature = |secret: &Hmac<Sha256>| {
            let mut mac = secret.clone();
            mac.update(format!("{id}.{timestamp}.").as_bytes());
            mac.update(body);
            format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()))
        };
        self.0.iter().map(signature).collect::<Vec<_>>().join(" ")
    }
}

fn secret(word: &str) -> Result<Hmac<Sha256>, String> {
    // Errors do not repeat the word, because they end up in logs.
    let encoded = word
        .strip_prefix(PREFIX)
        .ok_or_else(|| word!(en: "a secret begins with whsec_", zh: "密钥应以 whsec_ 开头"))?;
    let key = BASE64
        .decode(encoded)
        .map_err(|_| word!(en: "after whsec_ a secret is base64", zh: "whsec_ 之后应为 base64"))?;
    if !(WEBHOOK_SECRET_BYTES_MIN..=WEBHOOK_SECRET_BYTES_MAX).contains(&key.len()) {
        let has = key.len();
        return Err(say!(
            en: "a secret has {WEBHOOK_SECRET_BYTES_MIN} to {WEBHOOK_SECRET_BYTES_MAX} bytes, not \
                 {has}",
            zh: "密钥应为 {WEBHOOK_SECRET_BYTES_MIN} 至 {WEBHOOK_SECRET_BYTES_MAX} 字节，\
                 现为 {has} 字节"
        ));
    }
    Hmac::new_from_slice(&key).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const SIGNED: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn sign(secrets: &str) -> String {
        let secrets = Secrets::parse(secrets).ok().unwrap();
        secrets.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#)
    }

    #[test]
    fn the_example_of_the_specification_has_its_signature() {
        assert_eq!(sign(SECRET), SIGNED);
    }

    #[test]
    fn two_secrets_give_two_signatures() {
        let other = format!("whsec_{}", BASE64.encode([7; 32]));
        let both = sign(&format!("{other}\n{SECRET}\n"));
        assert_eq!(both.split(' ').count(), 2);
        assert!(both.ends_with(SIGNED), "{both}");
    }

    #[test]
    fn what_is_no_secret_is_refused_without_being_repeated() {
        let short = format!("whsec_{}", BASE64.encode([7; 23]));
        let long = format!("whsec_{}", BASE64.encode([7; 65]));
        for text in ["", " \n", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_%", &short, &long] {
            let why = Secrets::parse(text).err().unwrap();
            assert!(text.trim().is_empty() || !why.contains(text), "{why}");
        }
    }
}
