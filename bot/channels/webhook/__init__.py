"""Other apps as channels: they send what their merchants write through a signed interface, and get the answers pushed or fetch them."""
