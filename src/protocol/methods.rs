//! The methods of the API, from its descriptors.

include!(concat!(env!("OUT_DIR"), "/methods.rs"));

impl Method {
    /// True for a method that records events, which only a leader does. Cursors and principals are
    /// each node's own.
    ///
    /// The match has no arm for "any other": a method that is added says what it is.
    #[must_use]
    pub fn writes(self) -> bool {
        match self {
            Self::Append | Self::AdoptRules | Self::WithholdEvent => true,
            Self::GetEvent
            | Self::ListEvents
            | Self::Subscribe
            | Self::GetDigest
            | Self::CreateCursor
            | Self::GetCursor
            | Self::ListCursors
            | Self::AdvanceCursor
            | Self::DeleteCursor
            | Self::GetDesignee
            | Self::ExplainTitle
            | Self::ListDesignees
            | Self::ListTitles
            | Self::ExportRegister
            | Self::DiffRules
            | Self::ListChanges
            | Self::ListTimelines
            | Self::CompareBatches
            | Self::CountTitles
            | Self::ListBatches
            | Self::GetBatch
            | Self::ListPools
            | Self::ListPoolMembers
            | Self::ListMeasures
            | Self::ListAssessments
            | Self::ListAuthorities
            | Self::ListBodies
            | Self::ListRegions
            | Self::ListProgrammes
            | Self::FindDesignees
            | Self::ListSuspects
            | Self::ListCatalogues
            | Self::GetCatalogue
            | Self::GetStatus
            | Self::HandOver
            | Self::WhoAmI
            | Self::Verify
            | Self::ListPrincipals
            | Self::PutPrincipal
            | Self::DeletePrincipal => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use strum::IntoEnumIterator as _;

    use super::*;

    #[test]
    fn each_method_is_found_at_its_path() {
        assert!(Method::iter().count() > 30);
        for method in Method::iter() {
            assert_eq!(Method::at(method.path()), Some(method));
        }
        assert_eq!(Method::at("/tidu.v1.LedgerService/Erase"), None);
    }
}
