//! Every byte hashed, signed, sent or stored.
