//! European options on spot and forward.

use pricing::{European, Market, Value};

use crate::table::{Row, Table, near};

// mpmath, 40 digits.
const BLACK76: &str = "
    type,F,K,T,r,sigma,price,delta,gamma,vega,theta,rho,vanna,volga
    P,100.0,125.0,0.019178082191780823,-0.01,0.5,25.006112821733034,-0.99947540480388377,0.00035781054828047992,0.034310600520046022,-0.69732431356793025,-0.47956928699214041,0.01614017629079839,0.71257681058586334
    C,100.0,20.0,3.0,0.0,1.2,88.60186781422942,0.96512815167109204,0.0003706480842599598,13.343331033358552,-2.6686662066717103,-265.80560344268826,0.017005398585205406,-5.3417328452605392
    C,100.0,50.0,3.0,0.05,0.5,49.027787362592358,0.76713600217870716,0.001853103861991665,27.796557929874975,0.13500954064003678,-147.08336208777708,-0.11791195379547885,25.189464200191054
    P,100.0,100.0,0.0027397260273972603,0.05,0.8,1.6701766197251567,-0.49158062844178677,0.095238343018665884,2.0874157373954168,-304.67918882874461,-0.0045758263554113884,0.010437078686977084,-0.0011437894451481736
    P,100.0,95.0,0.0821917808219178,0.05,1.2,10.917245305814809,-0.37252928543609073,0.010968301890805326,10.818051179972376,-78.425911348507603,-0.89730783335464182,0.0072068944151448141,-0.066346295575245228
    C,100.0,110.0,3.0,0.0,3.0,99.016901008859629,0.99505617432305587,2.7549111176618947e-5,2.4794200058957052,-1.2397100029478526,-297.05070302657889,0.012484623720801622,-5.578416949973432
";

const BLACK_SCHOLES: &str = "
    type,S,K,T,r,q,sigma,price,delta,gamma,vega,theta,rho,vanna,volga
    P,100.0,125.0,1.0,0.0,0.03,2.0,90.198416054949053,-0.18556360322637173,0.0013218879074288775,26.437758148577549,-26.994448958256664,-108.75477637758623,0.14892016070918052,-13.007107153707811
    C,100.0,50.0,0.0027397260273972603,0.0,0.03,1.2,49.991781159682996,0.99991781159682996,1.6363797336408619e-28,5.3798785763535184e-27,2.9997534347904898,0.13698630136986301,-9.4240797882364734e-27,5.4584080985811226e-25
    P,100.0,125.0,0.25,0.0,0.03,0.05,25.747194518086157,-0.99252805481913843,5.8536068990986175e-20,7.3170086238732723e-18,-2.9775841644574152,-31.25,2.703851870722865e-17,1.2455620879629804e-14
    C,100.0,80.0,0.0027397260273972603,0.0,0.0,2.0,20.055423099385176,0.98551586931726584,0.0035102903763168979,0.19234467815435057,-70.205807526337958,0.21505798310230523,-0.038203209645000566,0.43670662636878705
    C,100.0,100.0,1.0,-0.01,0.0,2.0,68.110105991648925,0.84013186782450596,0.001215902840235304,24.318056804706079,-24.159025996798063,15.90308079080167,0.12219823544364805,-12.158724426642981
    C,100.0,95.0,1.0,0.05,0.03,3.0,84.53440086761127,0.90854684540903742,0.00040418008306633617,12.125402491990085,-15.778477385422639,6.3202836732924729,0.059666501471695994,-9.0917692692376271
";

fn greeks_hold(row: &Row<'_>, have: &Value, level: &str) -> Result<(), String> {
    let (level, strike) = (row.number(level), row.number("K"));
    let (time, volatility) = (row.number("T"), row.number("sigma"));
    let (root, deviation) = (time.sqrt(), volatility * time.sqrt());
    let larger = level.max(strike);
    near(row, "price", have.price, 4e-15 * larger)?;
    let rate = row.number("r").abs() * larger;
    for (column, have, scale) in [
        ("delta", have.greeks.delta, 1.0),
        ("gamma", have.greeks.gamma, 1.0 / (level * deviation)),
        ("vega", have.greeks.vega, level * root),
        ("theta", have.greeks.theta, level * volatility / root + rate),
        ("rho", have.greeks.rho, strike * time),
        ("vanna", have.greeks.vanna, 1.0 / volatility),
        ("volga", have.greeks.volga, level * root / volatility),
    ] {
        near(row, column, have, 1e-12 * scale)?;
    }
    Ok(())
}

/// Out of the money the price keeps its relative precision; below 1e-290 doubles lose theirs.
fn far_price_holds(row: &Row<'_>, have: f64, log_moneyness: f64) -> Result<(), String> {
    let want = row.number("price");
    let out = (row.word("type") == "C") == (log_moneyness < 0.0);
    if !out || want < 1e-290 {
        return Ok(());
    }
    let deviation = row.number("sigma") * row.number("T").sqrt();
    let d1 = log_moneyness / deviation + deviation / 2.0;
    near(row, "price", have, want * 1e-12 * (1.0 + d1 * d1))
}

fn black76(row: &Row<'_>) -> Result<(), String> {
    let it = pricing::Option {
        right: row.right(),
        forward: row.number("F"),
        strike: row.number("K"),
        time: row.number("T"),
        rate: row.number("r"),
        volatility: row.number("sigma"),
    };
    let have = pricing::value(&it);
    assert_eq!(have.price.to_bits(), pricing::price(&it).to_bits(), "one function, one answer");
    greeks_hold(row, &have, "F")?;
    far_price_holds(row, have.price, (it.forward / it.strike).ln())
}

fn black_scholes(row: &Row<'_>) -> Result<(), String> {
    let terms = European { right: row.right(), strike: row.number("K"), time: row.number("T") };
    let market = Market {
        spot: row.number("S"),
        rate: row.number("r"),
        dividend: row.number("q"),
        volatility: row.number("sigma"),
    };
    let have = pricing::european(&terms, &market).map_err(|error| error.to_string())?;
    greeks_hold(row, &have, "S")?;
    let drift = (market.rate - market.dividend) * terms.time;
    far_price_holds(row, have.price, (market.spot / terms.strike).ln() + drift)
}

#[test]
fn options_on_a_forward_hold() {
    Table::parse("written rows", BLACK76).check(black76);
    if let Some(table) = Table::shared("european_black76.csv") {
        table.check(black76);
    }
}

#[test]
fn options_on_a_spot_hold() {
    Table::parse("written rows", BLACK_SCHOLES).check(black_scholes);
    if let Some(table) = Table::shared("european_bs.csv") {
        table.check(black_scholes);
    }
}
