//! Room in the module's memory. Left to the allocator, memory grows by a page of 64 KiB at a time. Each
//! time the engine counts all of it again, and collects its own garbage: a store that grows makes each
//! write slower than the one before.

use std::cell::Cell;

use tenure_core::value::limits::has_room;

/// The size of a page of memory in bytes.
const PAGE: u64 = 64 << 10;

thread_local! {
    /// The size of the memory at the last call, in pages.
    static PAGES: Cell<usize> = const { Cell::new(0) };
}

/// Lets the memory grow by a quarter more if it has grown since the last call. What is kept is used by
/// later calls.
pub(crate) fn keep() {
    let pages = pages();
    if pages > PAGES.get() {
        // The room stays, although what took it is freed at once. If there is no room, the memory is
        // as large as it can be.
        has_room(pages as u64 / 4 * PAGE);
        PAGES.set(self::pages());
    }
}

/// The size of the memory in pages.
fn pages() -> usize {
    #[cfg(target_arch = "wasm32")]
    return core::arch::wasm32::memory_size(0);
    // Compiled for another target by lints alone.
    #[cfg(not(target_arch = "wasm32"))]
    return 0;
}
