"""The nouns: frozen values and pure functions, nothing but the standard library."""
