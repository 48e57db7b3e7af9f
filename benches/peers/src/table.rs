//! Values by row and system; medians, ratios and ranges as Markdown.

/// Whether more is better.
#[derive(Clone, Copy, PartialEq)]
pub enum Better {
    More,
    Less,
}

struct Row {
    name: String,
    unit: &'static str,
    better: Better,
    values: Vec<(&'static str, Vec<f64>)>,
}

/// Rows in the order of their first appearance.
#[derive(Default)]
pub struct Table(Vec<Row>);

const SYSTEMS: [&str; 4] = ["Tidu", "etcd", "JetStream", "echo"];

impl Table {
    pub fn add(
        &mut self,
        name: &str,
        unit: &'static str,
        better: Better,
        system: &'static str,
        value: f64,
    ) {
        let at = self.0.iter().position(|row| row.name == name).unwrap_or_else(|| {
            self.0.push(Row { name: name.to_owned(), unit, better, values: Vec::new() });
            self.0.len() - 1
        });
        let values = &mut self.0[at].values;
        match values.iter_mut().find(|(known, _)| *known == system) {
            Some((_, values)) => values.push(value),
            None => values.push((system, vec![value])),
        }
    }

    /// Adds what another table has, each name with a prefix.
    pub fn take_from(&mut self, other: &Self, prefix: &str) {
        for row in &other.0 {
            for (system, values) in &row.values {
                let name = format!("{prefix}{}", row.name);
                values.iter().for_each(|v| self.add(&name, row.unit, row.better, system, *v));
            }
        }
    }

    /// Medians and how many times better Tidu is, then the lowest and the highest value of each.
    pub fn print(mut self) {
        for row in &mut self.0 {
            row.values.iter_mut().for_each(|(_, values)| values.sort_by(f64::total_cmp));
        }
        println!("Medians; a ratio above 1 means that Tidu is ahead.\n");
        println!("| | unit | {} | × etcd | × JetStream | × echo |", SYSTEMS.join(" | "));
        println!("|---|---|--:|--:|--:|--:|--:|--:|--:|");
        for row in &self.0 {
            let medians = SYSTEMS.map(|system| row.median(system).map_or(String::new(), show));
            let ratios = ["etcd", "JetStream", "echo"].map(|peer| row.ratio(peer));
            println!(
                "| {} | {} | {} | {} |",
                row.name,
                row.unit,
                medians.join(" | "),
                ratios.join(" | ")
            );
        }
        println!("\nLowest to highest.\n\n| | unit | {} |", SYSTEMS.join(" | "));
        println!("|---|---|--:|--:|--:|--:|");
        for row in &self.0 {
            let ranges = SYSTEMS.map(|system| row.range(system));
            println!("| {} | {} | {} |", row.name, row.unit, ranges.join(" | "));
        }
    }
}

impl Row {
    fn of(&self, system: &str) -> Option<&Vec<f64>> {
        self.values.iter().find(|(known, _)| *known == system).map(|(_, values)| values)
    }

    fn median(&self, system: &str) -> Option<f64> {
        self.of(system).map(|sorted| {
            let (low, high) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
            f64::midpoint(low, high)
        })
    }

    fn range(&self, system: &str) -> String {
        self.of(system).map_or(String::new(), |sorted| {
            format!("{} to {}", show(sorted[0]), show(sorted[sorted.len() - 1]))
        })
    }

    fn ratio(&self, peer: &str) -> String {
        let (Some(tidu), Some(peer)) = (self.median("Tidu"), self.median(peer)) else {
            return String::new();
        };
        let ratio = if self.better == Better::More { tidu / peer } else { peer / tidu };
        // Times below what is shown have no ratio worth the name.
        if tidu < 0.005 || peer < 0.005 { String::new() } else { format!("{ratio:.2}") }
    }
}

/// Three figures or so, with thousands apart.
fn show(value: f64) -> String {
    match value {
        v if v < 0.005 => "< 0.01".to_owned(),
        v if v < 10.0 => format!("{v:.2}"),
        v if v < 100.0 => format!("{v:.1}"),
        v if v < 10_000.0 => group(format!("{v:.0}")),
        v => group(format!("{:.0}", (v / 100.0).round() * 100.0)),
    }
}

fn group(digits: String) -> String {
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
