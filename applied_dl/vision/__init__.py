"""What tasks on images share: decoding, folders, the cache of decoded images, and pretrained trunks."""
