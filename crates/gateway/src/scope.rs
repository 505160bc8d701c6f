//! What a caller may do, in the venue's words: `trade:read_write account:read session:desk expires:600`.
//!
//! Invariant: a scope is never wider than the key's; what a caller does not ask for by name he gets as wide as
//! the key has it, as the venue does. Whether anything is allowed at all is decided by the exchange again.

/// How far into one area a caller may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    None,
    Read,
    ReadWrite,
}

impl Access {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "none" => Some(Self::None),
            "read" => Some(Self::Read),
            "read_write" => Some(Self::ReadWrite),
            _ => None,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Read => "read",
            Self::ReadWrite => "read_write",
        }
    }
}

/// What a method touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Area {
    Account,
    Trade,
    BlockTrade,
    BlockRfq,
    Wallet,
}

/// What a caller may do, for how long, and on which connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    account: Access,
    trade: Access,
    block_trade: Access,
    block_rfq: Access,
    wallet: Access,
    /// A named session outlives its connection and works on any.
    pub session: Option<String>,
    /// Seconds, when the caller asked for fewer than usual.
    pub expires: Option<u64>,
}

impl Default for Scope {
    /// What a session key can do at most: it trades, and it never moves money.
    fn default() -> Self {
        Self {
            account: Access::Read,
            trade: Access::ReadWrite,
            block_trade: Access::ReadWrite,
            block_rfq: Access::ReadWrite,
            wallet: Access::Read,
            session: None,
            expires: None,
        }
    }
}

impl Scope {
    /// The scope of a key whose file says this. Changing keys is for those alone whose file says so.
    pub fn of_key(text: &str) -> Self {
        let names_account = text.split([' ', ',']).any(|word| word.starts_with("account:"));
        let widest = if names_account { Access::ReadWrite } else { Access::Read };
        Self { account: widest, ..Self::default() }.narrowed(text)
    }

    /// This scope as far as another one goes, on the same connections and for as long.
    pub fn within(&self, other: &Self) -> Self {
        Self {
            account: self.account.min(other.account),
            trade: self.trade.min(other.trade),
            block_trade: self.block_trade.min(other.block_trade),
            block_rfq: self.block_rfq.min(other.block_rfq),
            wallet: self.wallet.min(other.wallet),
            ..self.clone()
        }
    }

    /// Whether nothing is allowed by another scope that is not by this one.
    pub fn covers(&self, other: &Self) -> bool {
        other.within(self).areas() == other.areas()
    }

    /// This scope as far as `asked` goes. Words that have no meaning here are passed over.
    pub fn narrowed(&self, asked: &str) -> Self {
        let mut scope = Self { session: None, expires: None, ..self.clone() };
        for word in asked.split([' ', ',']) {
            match word.split_once(':') {
                Some(("account", access)) => narrow(&mut scope.account, access),
                Some(("trade", access)) => narrow(&mut scope.trade, access),
                Some(("block_trade", access)) => narrow(&mut scope.block_trade, access),
                Some(("block_rfq", access)) => narrow(&mut scope.block_rfq, access),
                Some(("wallet", access)) => narrow(&mut scope.wallet, access),
                Some(("session", name)) if !name.is_empty() => scope.session = Some(name.to_owned()),
                Some(("expires", seconds)) => scope.expires = seconds.parse().ok(),
                _ => {}
            }
        }
        scope
    }

    /// Who may not trade may not trade in blocks either.
    pub fn access(&self, area: Area) -> Access {
        match area {
            Area::Account => self.account,
            Area::Trade => self.trade,
            Area::BlockTrade => self.block_trade.min(self.trade),
            Area::BlockRfq => self.block_rfq.min(self.trade),
            Area::Wallet => self.wallet,
        }
    }

    /// The venue's text of it.
    pub fn text(&self) -> String {
        let bound =
            self.session.as_ref().map_or_else(|| "connection".to_owned(), |it| format!("session:{it}"));
        let areas = self.areas();
        let (first, last) = areas.split_once(" trade:").unwrap_or((&areas, ""));
        format!("{first} {bound} mainaccount trade:{last}")
    }

    /// What it allows, area by area.
    pub fn areas(&self) -> String {
        let word = |area| self.access(area).word();
        let (account, trade, wallet) = (word(Area::Account), word(Area::Trade), word(Area::Wallet));
        let (block_rfq, block_trade) = (word(Area::BlockRfq), word(Area::BlockTrade));
        format!(
            "account:{account} block_rfq:{block_rfq} block_trade:{block_trade} trade:{trade} wallet:{wallet}"
        )
    }
}

fn narrow(present: &mut Access, asked: &str) {
    if let Some(asked) = Access::parse(asked) {
        *present = asked.min(*present);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_narrows_and_never_widens() {
        let key = Scope::default();
        let asked = key.narrowed("session:desk trade:read wallet:read_write expires:60 custody:read");
        assert_eq!(asked.access(Area::Trade), Access::Read);
        assert_eq!(asked.access(Area::Wallet), Access::Read);
        assert_eq!(asked.access(Area::Account), Access::Read);
        assert_eq!((asked.session.as_deref(), asked.expires), (Some("desk"), Some(60)));
        assert_eq!(asked.narrowed("trade:read_write").access(Area::Trade), Access::Read);
        assert!(asked.text().contains("session:desk mainaccount trade:read wallet:read"));
        assert_eq!(asked.access(Area::BlockRfq), Access::Read);
        let wide = Scope::of_key("account:read_write");
        assert!(wide.covers(&key) && key.covers(&asked) && !key.covers(&wide) && !asked.covers(&key));
        assert_eq!(Scope::of_key(""), key);
        assert_eq!(asked.within(&key), asked);
        assert!(key.narrowed("block_trade:none").text().contains("block_rfq:read_write block_trade:none"));
    }
}
