//! `tidu generate`: realistic lists of made-up enterprises with valid codes, for trials, tests
//! and benchmarks.
//!
//! Every name contains 示例 (example) and every organisation code begins with YY, so that none is
//! mistaken for a real enterprise.

use std::{io::Write as _, path::PathBuf};

use clap::Args;

use crate::{
    cli::{CliError, destination::Destination, names, print::Progress},
    domain::{AuthorityCode, Uscc},
    lang::{say, word},
};

const CODE_CHARACTERS: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
const SYLLABLES: [&str; 24] = [
    "华", "瑞", "恒", "中", "科", "信", "达", "鑫", "盛", "创", "联", "德", "宏", "远", "嘉", "泰",
    "安", "新", "博", "凯", "正", "天", "金", "汇",
];
const FIELDS: [(&str, &str); 10] = [
    ("精密机械", "35"),
    ("新材料", "26"),
    ("电子科技", "39"),
    ("智能装备", "34"),
    ("生物医药", "27"),
    ("汽车零部件", "36"),
    ("仪器仪表", "40"),
    ("电气", "38"),
    ("金属制品", "33"),
    ("软件", "65"),
];
/// Rows between two signs of life.
const PROGRESS_ROWS: u64 = 1_000;
const SIZES: [&str; 3] = ["微型", "小型", "中型"];

#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    /// Number of enterprises
    #[arg(long, default_value_t = 9_271)]
    rows: u64,
    /// Authority in whose region they are registered
    #[arg(long, default_value = "440000", value_name = "CODE|NAME",
        value_parser = names::authority)]
    authority: String,
    /// Seed; the same one gives the same list
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// File to write [default: standard output]
    #[arg(long)]
    to: Option<PathBuf>,
}

/// A made-up enterprise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enterprise {
    /// A valid code.
    pub uscc: Uscc,
    /// A name marked as an example.
    pub name: String,
    /// A region for which the authority is responsible.
    pub region: String,
    /// A division of GB/T 4754-2017.
    pub industry: &'static str,
    /// A size class, as lists write it.
    pub size: &'static str,
}

/// Made-up enterprises with different codes; the same seed gives the same ones.
pub fn enterprises(seed: u64, authority: AuthorityCode) -> impl Iterator<Item = Enterprise> {
    let mut random = fastrand::Rng::with_seed(seed);
    (0..).filter_map(move |serial| enterprise(&mut random, authority, serial))
}

fn enterprise(
    random: &mut fastrand::Rng,
    authority: AuthorityCode,
    serial: u64,
) -> Option<Enterprise> {
    let division = division(random, authority)?;
    // The serial number makes codes unique; the first two characters mark them as made up.
    let mut organisation = *b"YY0000000";
    let mut rest = serial;
    for place in organisation.iter_mut().skip(2).take(6).rev() {
        let digit = usize::try_from(rest % 31).ok()?;
        *place = *CODE_CHARACTERS.get(digit)?;
        rest /= 31;
    }
    let [first @ .., _] = organisation;
    let check = Uscc::organisation_check(first)?;
    if let [.., last] = &mut organisation[..] {
        *last = check;
    }
    let uscc = Uscc::from_parts(*b"91", division, organisation)?;
    let (field, industry) = *random.choice(&FIELDS)?;
    let syllables: String = (0..2).filter_map(|_| random.choice(&SYLLABLES)).copied().collect();
    let form = if random.u8(0..4) == 0 { "股份有限公司" } else { "有限公司" };
    Some(Enterprise {
        uscc,
        name: format!("示例{syllables}{serial}{field}{form}"),
        region: format!("{division:06}"),
        industry,
        size: random.choice(&SIZES)?,
    })
}

/// A city for which the authority is responsible: 05 to 09, because no city with independent
/// planning status has these numbers.
fn division(random: &mut fastrand::Rng, authority: AuthorityCode) -> Option<u32> {
    let code: u32 = authority.as_str().parse().ok()?;
    let corps = authority.as_str() == "660000";
    Some(match code {
        _ if corps => 659_001,
        100_000 => 110_105,
        code if code.is_multiple_of(10_000) => code + 100 * random.u32(5..10),
        city => city + random.u32(1..10),
    })
}

pub(super) fn run(args: &GenerateArgs) -> Result<(), CliError> {
    let authority = AuthorityCode::parse(&args.authority)
        .map_err(|e| CliError::Message(format!("--authority {}: {e}", args.authority)))?;
    let failed = |e| CliError::Io(say!(en: "cannot write the list", zh: "无法写入名单"), e);
    let mut out = match &args.to {
        Some(path) => Destination::file(path).map_err(failed)?,
        None => Destination::standard(),
    };
    writeln!(out, "序号,企业名称,统一社会信用代码,行政区划代码,行业代码,企业规模")
        .map_err(failed)?;
    let rows = enterprises(args.seed, authority).zip(1..=args.rows);
    let progress = match args.to {
        Some(_) => {
            let what = word!(en: "writing", zh: "正在写入");
            Progress::new(what, word!(en: "rows", zh: "行"), args.rows)
        }
        None => Progress::hidden(),
    };
    for (Enterprise { uscc, name, region, industry, size }, row) in rows {
        writeln!(out, "{row},{name},{uscc},{region},{industry},{size}").map_err(failed)?;
        if row % PROGRESS_ROWS == 0 {
            progress.set(row);
        }
    }
    out.commit().map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn made_up_enterprises_are_valid_distinct_and_repeatable() {
        for authority in AuthorityCode::all() {
            let list: Vec<_> = enterprises(7, authority).take(2_000).collect();
            let codes: HashSet<_> = list.iter().map(|enterprise| enterprise.uscc).collect();
            assert_eq!(codes.len(), 2_000);
            assert!(list.iter().all(|e| e.uscc.organisation_code_is_valid()));
            assert_eq!(enterprises(7, authority).take(2_000).collect::<Vec<_>>(), list);
        }
    }
}
