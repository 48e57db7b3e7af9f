//! Tables side by side under one header row: `序号, 企业名称, 序号, 企业名称`.

use std::{iter, ops::Range};

use super::{
    super::columns::{Headers, fold},
    headers::Header,
};

/// Cuts a header into blocks of columns. A block begins where the first header occurs again. If one
/// of the blocks is not a table by itself, the header is left whole.
pub(super) fn cut(header: &Header<'_>) -> Vec<Range<usize>> {
    let folded: Vec<String> = header.texts.iter().map(|text| fold(text)).collect();
    let first_filled = folded.iter().position(|text| !text.is_empty());
    let first_known = header.headers.columns.first().map(|column| column.index);
    let mut firsts = first_filled.into_iter().chain(first_known);
    let whole = || iter::once(0..usize::MAX).collect();
    firsts.find_map(|first| blocks(&folded, first, &header.headers)).unwrap_or_else(whole)
}

fn blocks(folded: &[String], first: usize, headers: &Headers) -> Option<Vec<Range<usize>>> {
    let text = folded.get(first)?;
    let starts = folded.iter().enumerate().filter(|(_, other)| *other == text);
    let starts: Vec<usize> = starts.map(|(index, _)| index).collect();
    if starts.len() < 2 {
        return None;
    }
    let ends = starts.iter().skip(1).copied().chain([usize::MAX]);
    let blocks: Vec<Range<usize>> =
        starts.iter().zip(ends).map(|(start, end)| *start..end).collect();
    let is_table = |block: &Range<usize>| {
        let within = headers.within(block);
        let columns = &within.columns;
        let is_twice =
            |at: usize, field| columns.iter().skip(at + 1).any(|other| other.field == field);
        within.identify()
            && !columns.iter().enumerate().any(|(at, column)| is_twice(at, column.field))
    };
    // A column to the left of the first block would belong to none.
    let is_left = |index: usize| headers.columns.iter().any(|column| column.index < index);
    (blocks.iter().all(is_table) && !is_left(first)).then_some(blocks)
}
