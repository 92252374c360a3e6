"""A page to upload files to, as small as it can be."""
