//! In the place of the command line: enterprises that are made up.

/// Lists of made-up enterprises.
pub mod generate {
    use crate::domain::{AuthorityCode, Uscc};

    #[derive(Clone, Debug)]
    pub struct Enterprise {
        pub uscc: Uscc,
        pub name: String,
        pub region: String,
        pub industry: &'static str,
    }

    pub fn enterprises(seed: u64, authority: AuthorityCode) -> impl Iterator<Item = Enterprise> {
        (0..).filter_map(move |serial| enterprise(seed, authority, serial))
    }

    fn enterprise(seed: u64, authority: AuthorityCode, serial: u64) -> Option<Enterprise> {
        let division = authority.as_str().parse::<u32>().ok()? + 500;
        let number = format!("YY{:02}{serial:04}", seed % 100);
        let first: [u8; 8] = number.as_bytes().try_into().ok()?;
        let check = Uscc::organisation_check(first)?;
        let mut organisation = [check; 9];
        organisation[..8].copy_from_slice(&first);
        Some(Enterprise {
            uscc: Uscc::from_parts(*b"91", division, organisation)?,
            name: format!("示例{serial}有限公司"),
            region: format!("{division:06}"),
            industry: "35",
        })
    }
}
