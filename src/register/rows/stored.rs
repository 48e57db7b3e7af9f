//! Rows and texts as bytes, page by page. A row is stored without its previous event, which follows
//! from the rows before it.

use std::ops::Range;

use super::{
    DesigneeIndex, FactKindRow, FactRow, Link, Listing, NOBODY, Pages, Row, Rows, RowsEnd,
    ScopeIndex, Sym, pages::PAGE, texts::Texts,
};
use crate::register::stored::{Ends, Stored, Stream, Unfit, put_each, stored_enum, stored_struct};

/// Without the previous event.
impl Stored for Row {
    fn put(&self, out: &mut Vec<u8>) {
        let Self { scope, designee, previous: _, fact } = self;
        scope.put(out);
        Owner(*designee).put(out);
        fact.put(out);
    }

    fn get(from: &mut Stream<'_>) -> Result<Self, Unfit> {
        let (scope, Owner(designee)) = (ScopeIndex::get(from)?, Owner::get(from)?);
        Ok(Self { scope, designee, previous: Link::NONE, fact: FactRow::get(from)? })
    }
}

/// The designee of an event, or nobody.
#[derive(Clone, Copy, Debug)]
pub(in crate::register) struct Owner(pub(in crate::register) DesigneeIndex);

impl Stored for Owner {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.number().put(out);
    }

    fn get(from: &mut Stream<'_>) -> Result<Self, Unfit> {
        let number = u32::get(from)?;
        let designee = DesigneeIndex::of_number(number);
        let fits = designee == NOBODY || number < from.ends().designees;
        fits.then_some(Self(designee)).ok_or(NO_DESIGNEE)
    }
}

const NO_DESIGNEE: Unfit = Unfit("a designee is named that is not there");

impl Stored for DesigneeIndex {
    fn put(&self, out: &mut Vec<u8>) {
        self.number().put(out);
    }

    fn get(from: &mut Stream<'_>) -> Result<Self, Unfit> {
        let Owner(designee) = Owner::get(from)?;
        Some(designee).filter(|designee| *designee != NOBODY).ok_or(NO_DESIGNEE)
    }
}

impl Stored for Sym {
    fn put(&self, out: &mut Vec<u8>) {
        self.number().put(out);
    }

    fn get(from: &mut Stream<'_>) -> Result<Self, Unfit> {
        let number = u32::get(from)?;
        let fits = number == 0 || number < from.ends().texts;
        fits.then(|| Self::of_number(number)).ok_or(Unfit("a text is named that is not there"))
    }
}

impl Stored for Link {
    fn put(&self, out: &mut Vec<u8>) {
        self.position().put(out);
    }

    fn get(from: &mut Stream<'_>) -> Result<Self, Unfit> {
        Ok(Option::<u32>::get(from)?.map_or(Self::NONE, Self::to))
    }
}

impl Stored for ScopeIndex {
    fn put(&self, out: &mut Vec<u8>) {
        u32::try_from(self.place()).unwrap_or(u32::MAX).put(out);
    }

    fn get(from: &mut Stream<'_>) -> Result<Self, Unfit> {
        // There are fewer scopes than events; whoever gets all of them compares once more.
        let place = u32::get(from)?;
        let fits = place < from.ends().size;
        fits.then(|| Self::of_place(place as usize)).ok_or(NO_SCOPE)
    }
}

const NO_SCOPE: Unfit = Unfit("a scope is named that is not there");

stored_struct!(FactRow {
    effective,
    document,
    row,
    item,
    programme,
    authority,
    issuer,
    rule,
    kind,
});
stored_struct!(Listing { name, region, industry, recommended_by, sublist });
stored_enum!(FactKindRow {
    0 = Noticed { batch, to, review, recommendation, supplement, listing },
    1 = ObjectionRaised { batch, recommendation },
    2 = ObjectionResolved { batch, recommendation, upheld, objection },
    3 = NoticeWithdrawn { batch, recommendation },
    4 = Designated { batch, to, inferred, supplement, renews, listing },
    5 = ReviewOpened { round },
    6 = ReviewPassed { cohort, round, to, inferred, supplement },
    7 = ReviewFailed { round, revokes, cause, supplement },
    8 = RevocationProposed,
    9 = Revoked { ground, ban_until, inferred },
    10 = Surrendered,
    11 = Reinstated,
    12 = Transferred { successor, valid_to },
    13 = Converted { programme, authority, item, valid_to },
    14 = CreationListed { batch, listing },
    15 = CreationAssessed { batch, passed },
    16 = RectificationOrdered { due },
    17 = SupportGranted { scheme, round },
    18 = Renamed { old_name, name },
    19 = Relocated { region, from, to, confirmed },
    20 = Restructured { kind, name, ends },
    21 = Linked { other, reason },
    22 = SubjectEnded { cause },
    23 = InformationUpdated { year },
    24 = MajorChangeReported { occurred, reported, late },
    25 = PoolEntered { pool, listing },
    26 = PoolLeft { pool },
    27 = Repaired { target, removes },
    28 = BatchOpened { batch, sublist, declared },
    29 = BatchSealed { batch, sublist, declared },
    30 = CatalogueAdopted,
    31 = CompletenessDeclared { part },
    32 = MeasuresIssued { from, to, bodies, amends },
    33 = MeasuresRepealed { target, document },
    34 = RulesAdopted { version },
    35 = FormatRaised,
    36 = AuditAnchored,
    37 = AuthorityKeyRegistered,
    38 = AuthorityKeyRevoked,
    39 = EventWithheld { target },
    40 = Assessed { region, year, assessor },
    41 = Withheld { kind },
});

/// Rows that were read, in pages.
#[derive(Debug, Default)]
pub(in crate::register) struct RowsRead {
    rows: Vec<Vec<Row>>,
    texts: Vec<Vec<u8>>,
    words: Pages<Sym>,
    keys: Vec<(Sym, Sym)>,
}

/// Pages of values that were read: all full but the last one.
pub(in crate::register) fn take_pages<T: Stored>(
    from: &mut Stream<'_>,
) -> Result<Vec<Vec<T>>, Unfit> {
    let mut pages = Vec::new();
    while !from.is_empty() {
        let mut page = Vec::with_capacity(PAGE);
        while page.len() < PAGE && !from.is_empty() {
            page.push(T::get(from)?);
        }
        pages.push(page);
    }
    Ok(pages)
}

impl RowsRead {
    pub(in crate::register) fn add_rows(&mut self, pages: Vec<Vec<Row>>) {
        self.rows.extend(pages);
    }

    pub(in crate::register) fn add_texts(&mut self, pages: Vec<Vec<u8>>) {
        self.texts.extend(pages);
    }

    pub(in crate::register) fn add_words(&mut self, words: Vec<Sym>) {
        words.into_iter().for_each(|word| self.words.push(word));
    }

    pub(in crate::register) fn add_keys(&mut self, keys: Vec<(Sym, Sym)>) {
        self.keys.extend(keys);
    }

    /// The rows, of which the words are not indexed yet.
    ///
    /// # Errors
    /// [`Unfit`] if they do not reach these ends exactly.
    pub(in crate::register) fn finish(self, ends: Ends) -> Result<Rows, Unfit> {
        let texts = Texts::of_pages(self.texts, self.words);
        let texts = texts.filter(|texts| texts.end().number() == ends.texts);
        let texts = texts.ok_or(Unfit("the texts do not end where they should"))?;
        let rows = Pages::of_pages(self.rows).filter(|rows| rows.len() == ends.size as usize);
        let rows = rows.ok_or(Unfit("the rows do not end where they should"))?;
        if !self.keys.is_sorted_by(|one, next| one.0 < next.0) {
            return Err(Unfit("the keys of names are not in order"));
        }
        Ok(Rows { rows, texts, keys: self.keys })
    }
}

impl Rows {
    /// Adds the rows from a place on, at most a page of them, below a size. Gives the number of
    /// scopes that they name: one more than the highest.
    pub(in crate::register) fn put_page(&self, from: u32, below: u32, out: &mut Vec<u8>) -> usize {
        let mut scopes = 0;
        for place in self.page_of(from, below) {
            let Some(row) = self.get(place) else { break };
            scopes = scopes.max(row.scope.place() + 1);
            row.put(out);
        }
        scopes
    }

    /// The positions from one on, at most a page of them, below a size.
    pub(in crate::register) fn page_of(&self, from: u32, below: u32) -> Range<u32> {
        let page = u32::try_from(PAGE).unwrap_or(u32::MAX);
        from..from.saturating_add(page).min(below)
    }

    /// Adds a page of the texts below an end. False if there is none.
    pub(in crate::register) fn put_texts(
        &self,
        page: usize,
        end: RowsEnd,
        out: &mut Vec<u8>,
    ) -> bool {
        self.texts.put_page(page, end.texts, out)
    }

    /// Adds the words from a place on, at most a page of them, below an end; gives their number.
    pub(in crate::register) fn put_words(
        &self,
        from: usize,
        end: RowsEnd,
        out: &mut Vec<u8>,
    ) -> usize {
        put_each(self.words_from(from, end), out)
    }

    /// The words from a place on, at most a page of them, below an end.
    pub(in crate::register) fn words_from(
        &self,
        from: usize,
        end: RowsEnd,
    ) -> impl Iterator<Item = &Sym> {
        let words = (from..from + PAGE).map_while(move |place| self.texts.word_at(place));
        words.take_while(move |word| **word < end.texts)
    }

    /// Adds the kept keys from a place on, at most a page of them, below an end; gives their
    /// number.
    pub(in crate::register) fn put_keys(
        &self,
        from: usize,
        end: RowsEnd,
        out: &mut Vec<u8>,
    ) -> usize {
        let keys = self.keys.iter().skip(from).take(PAGE);
        put_each(keys.take_while(|(name, _)| *name < end.texts), out)
    }

    /// Links each event with the designee's previous one. `last` has a place for each designee.
    pub(in crate::register) fn link(&mut self, last: &mut [Link]) {
        for (position, row) in (0..).zip(self.rows.iter_mut()) {
            if let Some(last) = last.get_mut(row.designee.place()) {
                row.previous = std::mem::replace(last, Link::to(position));
            }
        }
    }

    /// Indexes the words that were read.
    pub(in crate::register) fn index_words(&mut self) {
        self.texts.index_words();
    }
}

impl RowsEnd {
    /// The ends of rows and texts.
    pub(in crate::register) fn ends(self, designees: u32) -> Ends {
        let size = super::position32(self.size);
        Ends { size, texts: self.texts.number(), designees }
    }
}
