"""python benchmarks/image_fashion_mnist.py [SEEDS]: Fashion-MNIST, its own 60,000 and 10,000, from the original files through TFDS."""

from image_common import SHARED, count, seeds, write

if __name__ == "__main__":
    files = str(SHARED / "images" / "fashion_mnist")
    write("image_fashion_mnist", seeds("fashion_mnist.toml", {"data.manual_dir": files}, count(3)))
