//! The keys of a breach's metadata.

/// Names a value in the text of a rule. The protocol has its name in snake case: `earlier_row`.
///
/// A list has its entries separated by `, `. Days are written `2019-06-05`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Key {
    /// The one who assessed.
    Assessor,
    /// The code of an authority.
    Authority,
    /// A batch on record.
    Batch,
    /// A character, by its code point: `U+200B`.
    Character,
    /// A number of things found.
    Count,
    /// The day that the rule rests on.
    Day,
    /// An identifier on record.
    Designee,
    /// The official document behind the rule.
    Document,
    /// An earlier event of the same request, by its path: `events[3]`. It has no position yet.
    EarlierEvent,
    /// The kind of an event on record.
    EarlierKind,
    /// The row of an event on record in its list.
    EarlierRow,
    /// The list of those who may state a fact, see [`Entitled`].
    Entitled,
    /// The one value that would be right.
    Expected,
    /// The fields of a message of the protocol.
    Fields,
    /// The wrong character.
    Found,
    /// The beginning that an end must not precede.
    From,
    /// The list of kinds of holders.
    Holders,
    /// The kind of the event.
    Kind,
    /// The least value allowed.
    Least,
    /// The largest value allowed.
    Limit,
    /// A message of the protocol.
    Message,
    /// A name on record.
    Name,
    /// A position of the log; inside a code, its place from 1.
    Position,
    /// A programme.
    Programme,
    /// A list of programmes.
    Programmes,
    /// The code of a region.
    Region,
    /// The row of the event in its list.
    Row,
    /// The stage of a count.
    Stage,
    /// The status of a title.
    Status,
    /// The authority of a sub-list.
    Sublist,
    /// The cause for which a fact changes nothing, in English.
    Superseded,
    /// A version of the catalogue, or of the register's rules.
    Version,
    /// A list of rule versions.
    Versions,
    /// A year, or a list of years.
    Year,
    /// A number of years.
    Years,
}

impl Key {
    /// The name in the protocol.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Those who may state a fact. The protocol has the name in kebab case: `deciding-ministry`.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    strum::Display,
    strum::EnumIter,
    strum::EnumString,
    strum::IntoStaticStr,
)]
#[strum(serialize_all = "kebab-case")]
pub enum Entitled {
    /// The ministry, which decides on the programme.
    DecidingMinistry,
    /// A provincial-level authority, which decides on the programme.
    DecidingAuthority,
    /// A provincial-level authority that recommends.
    Recommender,
    /// The ministry.
    Ministry,
    /// A provincial-level authority.
    Provincial,
    /// An authority that decided on, recommended or is responsible for the designee.
    Involved,
    /// The authority on either side of a move.
    Target,
    /// The authority of the sub-list.
    Sublist,
    /// Any authority.
    Any,
    /// The catalogue entitles nobody.
    Nobody,
}
