"""What a schema cannot say: one module per subject, each giving the faults and doubts it finds."""
