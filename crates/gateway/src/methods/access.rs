//! What each private method touches, and how.
//!
//! Invariant: a private method that is not here does not exist.

use crate::scope::{Access, Area};

/// What a method needs; `None` when there is no such method.
pub(super) fn of(name: &str) -> Option<(Area, Access)> {
    of_blocks(name).or_else(|| of_money(name)).or_else(|| of_keys(name)).or_else(|| of_the_rest(name))
}

/// Money that comes and goes.
fn of_money(name: &str) -> Option<(Area, Access)> {
    Some(match name {
        "get_deposits"
        | "get_withdrawals"
        | "get_transfers"
        | "get_address_book"
        | "get_current_deposit_address" => (Area::Wallet, Access::Read),
        "withdraw"
        | "cancel_withdrawal"
        | "create_deposit_address"
        | "submit_transfer_to_subaccount"
        | "submit_transfer_to_user"
        | "submit_transfer_between_subaccounts" => (Area::Wallet, Access::ReadWrite),
        _ => return None,
    })
}

/// API keys.
fn of_keys(name: &str) -> Option<(Area, Access)> {
    Some(match name {
        "list_api_keys" => (Area::Account, Access::Read),
        "create_api_key"
        | "edit_api_key"
        | "change_api_key_name"
        | "change_scope_in_api_key"
        | "enable_api_key"
        | "disable_api_key"
        | "reset_api_key"
        | "remove_api_key" => (Area::Account, Access::ReadWrite),
        _ => return None,
    })
}

/// Trades beside the books.
fn of_blocks(name: &str) -> Option<(Area, Access)> {
    Some(match name {
        "create_block_rfq"
        | "add_block_rfq_quote"
        | "edit_block_rfq_quote"
        | "cancel_block_rfq_quote"
        | "cancel_all_block_rfq_quotes"
        | "cancel_block_rfq"
        | "cancel_block_rfq_trigger"
        | "accept_block_rfq" => (Area::BlockRfq, Access::ReadWrite),
        "get_block_rfqs" | "get_block_rfq_quotes" | "get_block_rfq_makers" | "get_block_rfq_user_info" => {
            (Area::BlockRfq, Access::Read)
        }
        "verify_block_trade" | "execute_block_trade" | "invalidate_block_trade_signature" => {
            (Area::BlockTrade, Access::ReadWrite)
        }
        "get_block_trade" | "get_block_trades" | "simulate_block_trade" => (Area::BlockTrade, Access::Read),
        _ => return None,
    })
}

fn of_the_rest(name: &str) -> Option<(Area, Access)> {
    Some(match name {
        "buy"
        | "sell"
        | "edit"
        | "edit_by_label"
        | "close_position"
        | "create_combo"
        | "clockless/create_exotic"
        | "clockless/exercise"
        | "mass_quote"
        | "set_mmp_config"
        | "reset_mmp"
        | "change_margin_model"
        | "cancel"
        | "cancel_by_label"
        | "cancel_all"
        | "cancel_all_by_instrument"
        | "cancel_all_by_currency"
        | "cancel_all_by_currency_pair"
        | "cancel_all_by_kind_or_type"
        | "cancel_quotes" => (Area::Trade, Access::ReadWrite),
        "get_open_orders"
        | "get_open_orders_by_currency"
        | "get_open_orders_by_instrument"
        | "get_open_orders_by_label"
        | "get_order_state"
        | "get_order_state_by_label"
        | "get_order_history_by_instrument"
        | "get_order_history_by_currency"
        | "get_trigger_order_history"
        | "get_order_margin_by_ids"
        | "get_user_trades_by_instrument"
        | "get_user_trades_by_instrument_and_time"
        | "get_user_trades_by_currency"
        | "get_user_trades_by_currency_and_time"
        | "get_user_trades_by_order"
        | "get_positions"
        | "get_position"
        | "get_mmp_config"
        | "get_mmp_status"
        | "get_leg_prices"
        | "get_settlement_history_by_instrument"
        | "get_settlement_history_by_currency" => (Area::Trade, Access::Read),
        "simulate_portfolio"
        | "pme/simulate"
        | "clockless/get_margin_envelope"
        | "clockless/faucet"
        | "get_account_summary"
        | "get_margins"
        | "get_account_summaries"
        | "get_subaccounts"
        | "get_subaccounts_details"
        | "get_transaction_log"
        | "clockless/get_balance_proof"
        | "get_user_locks"
        | "get_access_log" => (Area::Account, Access::Read),
        "subscribe"
        | "unsubscribe"
        | "unsubscribe_all"
        | "logout"
        | "enable_cancel_on_disconnect"
        | "disable_cancel_on_disconnect"
        | "get_cancel_on_disconnect" => (Area::Account, Access::None),
        _ => return None,
    })
}
