"""What a release needs beside the code: images by digest, an audit of the dependencies, and notes."""
