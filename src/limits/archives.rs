//! Bounds of archives, backups and what is restored from them.

use super::{LEAF_BYTES_MAX, REQUEST_BYTES_MAX};

/// Most bytes of events in one frame of a compressed archive. A fault is located to a frame, and a
/// reader holds one of them. Larger ones compress hardly better.
pub const ARCHIVE_FRAME_BYTES_MAX: usize = 256 * 1024;
/// Most bytes that such a frame takes in the file: what zstd makes of bytes that do not compress
/// (one for each 256), and 64 for its own header, blocks and checksum.
pub const ARCHIVE_FRAME_STORED_BYTES_MAX: usize =
    ARCHIVE_FRAME_BYTES_MAX + ARCHIVE_FRAME_BYTES_MAX / 256 + 64;
/// The level of compression: the fastest beyond which the gain is small for events.
pub const ARCHIVE_LEVEL: i32 = 3;

/// Archives of one generation of a backup. The next backup then begins a generation: a daily one
/// after almost three years.
pub const BACKUP_ARCHIVES_MAX: usize = 1_000;
/// Most bytes of the manifest of a generation: about 300 for each archive, 100 for each adopted
/// catalogue, and 4 KiB for the frontier and the rest.
pub const BACKUP_MANIFEST_BYTES_MAX: usize = 1024 * 1024;
/// Most generations that `--keep` names.
pub const BACKUP_KEEP_MAX: u32 = 1_000;
/// Most days that `--keep-days` names: a hundred years.
pub const BACKUP_KEEP_DAYS_MAX: u32 = 36_525;
/// Most cursors that one line about a backup names.
pub const BACKUP_CURSORS_NAMED_MAX: usize = 10;
/// Most bytes that are copied at once from a file that is measured.
pub const MEASURE_BYTES: usize = 64 * 1024;

const _: () = {
    // A frame holds at least one event: its key, its length in two bytes, its leaf.
    assert!(3 + LEAF_BYTES_MAX <= ARCHIVE_FRAME_BYTES_MAX);
    assert!(ARCHIVE_FRAME_STORED_BYTES_MAX < REQUEST_BYTES_MAX);
    assert!(BACKUP_ARCHIVES_MAX * 400 < BACKUP_MANIFEST_BYTES_MAX / 2);
};
