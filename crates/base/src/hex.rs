//! Bytes as hexadecimal digits.

/// Two lower-case digits for each byte.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

#[cfg(test)]
mod tests {
    #[test]
    fn digits_are_lower_case_and_zeros_are_kept() {
        assert_eq!(super::hex(&[0, 10, 255]), "000aff");
    }
}
