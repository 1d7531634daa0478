"""The room around Kingfisher, on repositories that the tests make with git."""
