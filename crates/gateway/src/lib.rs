//! Deribit-compatible JSON-RPC, WebSocket and REST server, and the trading page.
