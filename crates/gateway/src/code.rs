//! The venue's error codes.
//!
//! Invariant: a code always comes with the message that the venue's clients know it by.

/// Defines the codes once: the number and the message of each.
macro_rules! codes {
    ($($(#[$note:meta])* $name:ident = $number:literal, $message:literal;)*) => {
        /// The codes that we answer with.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code {
            $($(#[$note])* $name,)*
        }

        impl Code {
            pub const fn number(self) -> i64 {
                match self {
                    $(Self::$name => $number,)*
                }
            }

            pub const fn message(self) -> &'static str {
                match self {
                    $(Self::$name => $message,)*
                }
            }
        }
    };
}

codes! {
    AuthorizationRequired = 10_000, "authorization_required";
    QuantityTooLow = 10_002, "qty_too_low";
    OrderOverlap = 10_003, "order_overlap";
    OrderNotFound = 10_004, "order_not_found";
    PriceTooLow = 10_005, "price_too_low";
    PriceTooHigh = 10_007, "price_too_high";
    NotEnoughFunds = 10_009, "not_enough_funds";
    AlreadyClosed = 10_010, "already_closed";
    BookClosed = 10_012, "book_closed";
    OpenOrdersLimit = 10_013, "pme_max_total_open_orders";
    PositionLimit = 10_018, "non_pme_max_future_position_size";
    /// Of a call that trades; one that only asks gets `NotFound`.
    InvalidInstrument = 10_020, "invalid_or_unsupported_instrument";
    InvalidAmount = 10_021, "invalid_amount";
    InvalidPrice = 10_023, "invalid_price";
    PricePrecision = 10_026, "price_precision_exceeded";
    TooManyRequests = 10_028, "too_many_requests";
    NotOwner = 10_029, "not_owner_of_order";
    NeedsWebSocket = 10_030, "must_be_websocket_request";
    NotImplemented = 10_033, "not_implemented";
    PriceWrongTick = 10_043, "price_wrong_tick";
    LiquidationOrderCancel = 10_045, "can_not_cancel_liquidation_order";
    LiquidationOrderEdit = 10_046, "can_not_edit_liquidation_order";
    AlreadyFilled = 11_008, "already_filled";
    InvalidArguments = 11_029, "invalid_arguments";
    OtherReject = 11_030, "other_reject";
    NotAdvanced = 11_038, "no_adv_for_futures";
    PermissionDenied = 11_042, "permission_denied";
    NotOpenOrder = 11_044, "not_open_order";
    BadRequest = 11_050, "bad_request";
    PostOnlyReject = 11_054, "post_only_reject";
    InternalServerError = 11_094, "internal_server_error";
    TransferNotAllowed = 12_100, "transfer_not_allowed";
    InvalidCredentials = 13_004, "invalid_credentials";
    Unauthorized = 13_009, "unauthorized";
    NotFound = 13_020, "not_found";
    Forbidden = 13_021, "forbidden";
    TemporarilyUnavailable = 13_028, "temporarily_unavailable";
    RawNeedsLogin = 13_778, "raw_subscriptions_not_available_for_unauthorized";
    TimedOut = 13_888, "timed_out";
    MethodNotFound = -32_601, "Method not found";
    InvalidParams = -32_602, "Invalid params";
    ParseError = -32_700, "Parse error";
}
