"""The offline verifier: one file that stands alone, to be copied wherever an export is checked."""
