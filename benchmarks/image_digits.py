"""python benchmarks/image_digits.py [SEEDS]: the default recipe on scikit-learn's digits, five splits, with the exported files."""

from image_common import count, seeds, write

if __name__ == "__main__":
    write("image_digits", seeds("digits.toml", {}, count(5), export=True))
