//! A list that grows without ever being copied, so that adding to a million rows never delays a
//! reader.

/// Items in a page.
pub(in crate::register) const PAGE: usize = 4_096;

/// Items by place, in pages of equal size.
#[derive(Debug)]
pub(crate) struct Pages<T> {
    pages: Vec<Vec<T>>,
    length: usize,
}

impl<T> Default for Pages<T> {
    fn default() -> Self {
        Self { pages: Vec::new(), length: 0 }
    }
}

impl<T> Pages<T> {
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    pub(crate) fn get(&self, place: usize) -> Option<&T> {
        self.pages.get(place / PAGE)?.get(place % PAGE)
    }

    pub(crate) fn get_mut(&mut self, place: usize) -> Option<&mut T> {
        self.pages.get_mut(place / PAGE)?.get_mut(place % PAGE)
    }

    pub(crate) fn push(&mut self, item: T) {
        match self.pages.last_mut().filter(|page| page.len() < PAGE) {
            Some(page) => page.push(item),
            None => {
                let mut page = Vec::with_capacity(PAGE);
                page.push(item);
                self.pages.push(page);
            }
        }
        self.length += 1;
    }

    /// The items of pages that [`Pages::push`] would have made: only the last one may have room.
    pub(in crate::register) fn of_pages(pages: Vec<Vec<T>>) -> Option<Self> {
        let length = pages.iter().map(Vec::len).sum();
        let (_, full) = pages.split_last().unwrap_or((&Vec::new(), &[]));
        let fits = full.iter().all(|page| page.len() == PAGE)
            && pages.last().is_none_or(|last| (1..=PAGE).contains(&last.len()));
        fits.then_some(Self { pages, length })
    }

    /// All items, in order, to be changed.
    pub(in crate::register) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.pages.iter_mut().flatten()
    }

    pub(crate) fn pop(&mut self) -> Option<T> {
        let page = self.pages.last_mut()?;
        let item = page.pop();
        if page.is_empty() {
            self.pages.pop();
        }
        self.length -= usize::from(item.is_some());
        item
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_is_found_and_popped_across_pages() {
        let mut pages = Pages::default();
        (0..PAGE + 2).for_each(|item| pages.push(item));
        assert_eq!((pages.len(), pages.get(PAGE)), (PAGE + 2, Some(&PAGE)));
        assert_eq!(pages.get(PAGE + 2), None);
        *pages.get_mut(1).unwrap() = 7;
        while pages.len() > 2 {
            assert_eq!(pages.pop(), Some(pages.len()));
        }
        assert_eq!((pages.pop(), pages.pop(), pages.pop()), (Some(7), Some(0), None));
    }
}
