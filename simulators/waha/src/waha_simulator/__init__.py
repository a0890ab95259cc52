"""WAHA and the WhatsApp behind it, simulated, faults included."""
