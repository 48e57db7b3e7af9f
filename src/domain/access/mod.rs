//! Who may do what: roles, rights, and the policy that gives them to principals.
//!
//! ```text
//! role       what a principal is
//! sets       authorities, programmes and kinds, a bit each
//! right      how far a right reaches, and what it is asked about
//! change     how rights to read differ from earlier ones
//! recording  the parts of a proposed event, and the bound that one does not keep
//! policy     the rights of all principals, and what needs a second one
//! ```
//!
//! Pure. How a caller proves who it is, and the files of a policy, are in the room `access/`.

mod change;
mod policy;
mod recording;
mod right;
mod role;
mod sets;

pub use self::{
    change::Change,
    policy::{FourEyes, Policy},
    recording::{Action, Beyond, Bound, Part, Place},
    right::{Matter, Reach, Rights, Unseen},
    role::{Role, Roles},
    sets::{AuthoritySet, KindSet, ProgrammeSet},
};
