"""Folders, tables and annotation files of images with masks to encoded parts."""
