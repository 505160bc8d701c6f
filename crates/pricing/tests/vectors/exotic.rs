//! Digital, barrier, lookback, Asian and American options.

use pricing::{
    American, Asian, Average, Barrier, Crossing, Digital, Formula, Knock, Lookback, Market, Payout, Strike,
    Value, contract_price, contract_value,
};

use crate::table::{Row, Table, hold, near};

// QuantLib 1.44 and mpmath.
const DIGITAL: &str = "
    type,S,K,T,r,q,sigma,cash_price_per_1,cash_delta,cash_vega,asset_price
    P,100.0,97.0,0.0027397260273972603,0.05,0.0,0.3,0.026149004603011805,-0.038645898537314168,0.39572732117271866,2.5213956687153078
    P,100.0,100.0,1.0,0.03,0.05,0.1,0.58101187966623183,-0.037524034691693786,-0.56286052037540688,53.232481545376341
    C,100.0,100.0,1.0,0.0,0.0,2.0,0.15865525393145705,0.0012098536225957167,-0.12098536225957167,84.134474606854295
    P,100.0,80.0,2.0,0.0,0.0,0.8,0.64373208151148877,-0.0032947750267977054,0.35548297717644277,22.275605403505745
";

const BARRIER: &str = "
    barrier,type,S,K,B,rebate,days,T,r,q,sigma,price,vanilla
    DI,C,100.0,95.0,90.0,3.0,30,0.0821917808219178,0.0,0.0,1.6,11.422481559053736,20.29553241872596
    DO,C,100.0,100.0,75.0,0.0,365,1.0,0.0,0.0,1.6,23.77981211736128,57.62892028332067
    DO,P,100.0,105.0,90.0,0.0,7,0.019178082191780823,0.05,0.02,0.15,4.9450278263332175,4.9450332260812795
    UI,C,100.0,85.0,135.0,3.0,30,0.0821917808219178,0.0,0.0,0.8,10.685781518062484,17.966397060107123
    UO,C,100.0,95.0,110.0,0.0,7,0.019178082191780823,0.0,0.0,0.4,4.29678672481783,5.5167891612350495
    UO,P,100.0,70.0,135.0,0.0,91,0.2493150684931507,0.0,0.0,0.15,1.1668242283491281e-06,1.1668242306626678e-06
    UO,C,100.0,70.0,135.0,0.0,365,1.0,0.05,0.02,0.8,1.4035252209105646,44.03623141442136
    DI,P,100.0,85.0,97.0,0.0,91,0.2493150684931507,0.05,0.0,0.15,0.022564906501904902,0.022564906501906755
    DI,P,100.0,95.0,97.0,0.0,91,0.2493150684931507,0.05,0.02,1.6,27.24513583457913,27.24513583457913
    UO,C,100.0,120.0,103.0,3.0,30,0.0821917808219178,0.05,0.02,0.4,2.365747072372396,0.313167082430633
";

const LOOKBACK: &str = "
    kind,type,S,K,running_extreme,days,T,r,q,sigma,price
    floating,C,100.0,,95.0,30,0.0821917808219178,0.05,0.0,1.5,30.27862767223681
    fixed,P,100.0,110.0,100.0,91,0.2493150684931507,0.1,0.01,1.5,55.138174199677756
    fixed,C,100.0,100.0,104.0,365,1.0,0.05,0.0,0.15,15.182054505124123
    fixed,P,100.0,110.0,96.0,7,0.019178082191780823,0.02,0.05,1.5,25.814102162308465
    fixed,P,100.0,110.0,100.0,30,0.0821917808219178,0.02,0.05,0.4,18.907962845137334
    fixed,C,100.0,90.0,100.0,7,0.019178082191780823,0.05,0.02,0.4,14.51330293642479
";

const ASIAN: &str = "
    kind,type,S,K,fixings,days,T,r,q,sigma,price,std_error
    geo_discrete,P,100.0,130.0,4,30,0.0821917808219178,0.0,0.0,2.0,38.43084139933525,0.0
    arith_discrete,C,100.0,105.0,4,91,0.2493150684931507,0.03,0.05,0.5,4.609089474216996,7.810120390145283e-06
    arith_discrete,P,100.0,130.0,4,91,0.2493150684931507,0.03,0.05,0.5,30.611808814407173,6.1115344786870155e-06
    arith_discrete,C,100.0,100.0,30,30,0.0821917808219178,0.05,0.0,0.5,3.480077238302328,2.5732696613258027e-06
    geo_discrete,P,100.0,95.0,30,30,0.0821917808219178,0.03,0.05,1.0,4.651864390743986,0.0
    arith_discrete,P,100.0,95.0,4,365,1.0,0.0,0.0,1.0,23.478708588868837,4.301461313536606e-05
    geo_discrete,C,100.0,80.0,30,30,0.0821917808219178,0.03,0.05,0.2,19.838786789879514,0.0
";

const AMERICAN: &str = "
    type,S,K,days,T,r,q,sigma,price,delta_fd,gamma_fd,european,intrinsic,fd_check
    C,100.0,95.0,30,0.0821917808219178,0.05,0.0,2.5,30.011238255683132,0.668459463982991,0.005062217372397981,30.01123825568313,5.0,30.01135542075912
    P,100.0,105.0,30,0.0821917808219178,0.05,0.03,0.2,5.533908922632461,-0.793830673858138,0.052404567794805956,5.4922476848427015,5.0,
    P,100.0,105.0,91,0.2493150684931507,0.05,0.0,0.4,10.237508599167432,-0.5445188331865225,0.020753223224900808,10.084587956780558,5.0,
    C,100.0,80.0,1095,3.0,0.0,0.04,0.4,30.02927410194283,0.692930914724883,0.006006173290984407,27.443472261137355,20.0,
    C,100.0,90.0,365,1.0,0.1,0.02,1.5,57.78534658087051,0.7955282876477199,0.0018075849730792015,57.65836691720911,10.0,57.78521549191439
    P,100.0,60.0,1095,3.0,0.05,0.0,0.2,0.295519873013573,-0.021145991337333803,0.0015318457271706887,0.26665141588048336,0.0,
";

fn market(row: &Row<'_>) -> Market {
    Market {
        spot: row.number("S"),
        rate: row.number("r"),
        dividend: row.number("q"),
        volatility: row.number("sigma"),
    }
}

fn value<F: Formula>(row: &Row<'_>, terms: &F) -> Result<Value, String> {
    let value = contract_value(terms, &market(row)).map_err(|error| error.to_string())?;
    let price = contract_price(terms, &market(row)).map_err(|error| error.to_string())?;
    assert_eq!(value.price.to_bits(), price.to_bits(), "one formula, one price");
    Ok(value)
}

fn digital(row: &Row<'_>) -> Result<(), String> {
    let of = |payout| Digital { right: row.right(), payout, strike: row.number("K"), time: row.number("T") };
    let cash = value(row, &of(Payout::Cash))?;
    near(row, "cash_price_per_1", cash.price, 1e-14)?;
    near(row, "cash_delta", cash.greeks.delta, 1e-12)?;
    near(row, "cash_vega", cash.greeks.vega, 1e-12)?;
    near(row, "asset_price", value(row, &of(Payout::Asset))?.price, 1e-14 * row.number("S"))
}

fn barrier(row: &Row<'_>) -> Result<(), String> {
    let kind = row.word("barrier");
    let terms = Barrier {
        right: row.right(),
        crossing: if kind.starts_with('U') { Crossing::Up } else { Crossing::Down },
        knock: if kind.ends_with('I') { Knock::In } else { Knock::Out },
        strike: row.number("K"),
        level: row.number("B"),
        rebate: row.number("rebate"),
        time: row.number("T"),
    };
    near(row, "price", value(row, &terms)?.price, row.tolerance(1e-10 * row.number("S")))
}

fn lookback(row: &Row<'_>) -> Result<(), String> {
    let terms = Lookback {
        right: row.right(),
        strike: if row.word("kind") == "floating" {
            Strike::Floating
        } else {
            Strike::Fixed(row.number("K"))
        },
        extreme: row.number("running_extreme"),
        time: row.number("T"),
    };
    near(row, "price", value(row, &terms)?.price, row.tolerance(1e-9 * row.number("S")))
}

fn asian(row: &Row<'_>) -> Result<(), String> {
    let fixings: u32 = row.word("fixings").parse().unwrap();
    let (average, tolerance) = match row.word("kind") {
        "geo_continuous" => (Average::GeometricContinuous, 1e-10 * row.number("S")),
        "geo_discrete" => (Average::Geometric { fixings }, 1e-10 * row.number("S")),
        _ => (Average::Arithmetic { fixings }, 4.0 * row.or("std_error", 0.0) + 1e-6),
    };
    let terms = Asian { right: row.right(), average, strike: row.number("K"), time: row.number("T") };
    near(row, "price", value(row, &terms)?.price, row.tolerance(tolerance))
}

fn american(row: &Row<'_>) -> Result<(), String> {
    let terms = American { right: row.right(), strike: row.number("K"), time: row.number("T") };
    let have = value(row, &terms)?;
    near(row, "price", have.price, 1e-6 * row.number("S"))?;
    near(row, "delta_fd", have.greeks.delta, 1e-3)?;
    near(row, "gamma_fd", have.greeks.gamma, 1e-3)
}

/// Rows from far away, with a price alone.
fn american_price(row: &Row<'_>) -> Result<(), String> {
    let terms = American { right: row.right(), strike: row.number("K"), time: row.number("T") };
    near(row, "price", value(row, &terms)?.price, row.number("tolerance"))
}

#[test]
fn digitals_hold() {
    hold("digital.csv", [DIGITAL, include_str!("corners/digital.csv")], digital);
}

#[test]
fn barriers_hold() {
    hold("barrier.csv", [BARRIER, include_str!("corners/barrier.csv")], barrier);
}

#[test]
fn lookbacks_hold() {
    hold("lookback.csv", [LOOKBACK, include_str!("corners/lookback.csv")], lookback);
}

#[test]
fn asians_hold() {
    hold("asian.csv", [ASIAN, include_str!("corners/asian.csv")], asian);
}

#[test]
fn americans_hold() {
    hold("american.csv", [AMERICAN], american);
    Table::parse("american corners", include_str!("corners/american.csv")).check(american_price);
}
