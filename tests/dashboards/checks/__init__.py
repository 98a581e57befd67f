"""What is looked at before anything is written: one module for each kind of file, each giving plain-word problems."""
