"""What a vendor refuses, one file a wire format; written without looking at any encoder."""
