"""Folders, tables and archives of images to encoded parts."""
