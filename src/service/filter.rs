//! Filters: from names to what the register's index asks.

use tonic::Status;

use super::{
    convert::{Fields, Need, Source},
    errors,
};
use crate::{
    domain::{
        event::Kind,
        fault::{ParseError, Reason},
        limits::FILTER_VALUES_MAX,
    },
    ledger::Ledger,
    pb,
    register::Interest,
};

/// Reads a filter. What is not known is an error, never a stream that stays empty and looks healthy.
pub(crate) fn interest(ledger: &Ledger, filter: Option<pb::Filter>) -> Result<Interest, Status> {
    let mut interest = Interest::default();
    let Some(mut filter) = filter else { return Ok(interest) };
    let counts = [
        ("filter.programmes", filter.programmes.len()),
        ("filter.authorities", filter.authorities.len()),
        ("filter.kinds", filter.kinds.len()),
    ];
    for (field, count) in counts {
        if count > FILTER_VALUES_MAX {
            return Err(errors::over_limit(field, count, FILTER_VALUES_MAX, "entries"));
        }
    }
    for (i, id) in filter.programmes.iter().enumerate() {
        let found = ledger.catalogue().find(id);
        let field = format!("filter.programmes[{i}]");
        interest.programme(found.map_err(|error| errors::bad_field(&field, id, &error))?);
    }
    let mut fields = Fields::new(ledger.catalogue(), Source::Caller, 0);
    for (i, code) in filter.authorities.iter_mut().enumerate() {
        let field = format!("filter.authorities[{i}]");
        if let Some(authority) = fields.authority(&field, code, Need::Required) {
            interest.authority(authority);
        }
    }
    if let Some(fault) = fields.finish().0.into_iter().next() {
        let error = ParseError::new(fault.reason, fault.message, fault.rule);
        return Err(errors::bad_field(&fault.field, &fault.value, &error));
    }
    for (i, number) in filter.kinds.into_iter().enumerate() {
        let kind = Kind::from_number(number).ok_or_else(|| {
            let message = "is not a kind of this version's protocol";
            let error = ParseError::new(Reason::EnumUnknown, message, "");
            errors::bad_field(&format!("filter.kinds[{i}]"), &number.to_string(), &error)
        })?;
        interest.kind(kind);
    }
    Ok(interest)
}
