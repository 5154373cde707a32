//! Generates the Kotlin, Swift and Python packages from the built library.
fn main() {
    uniffi::uniffi_bindgen_main()
}
