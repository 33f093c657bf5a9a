"""One HTML file that predicts in a browser: the bundle, its encoder ported to JavaScript, and LiteRT.js. No TensorFlow."""
