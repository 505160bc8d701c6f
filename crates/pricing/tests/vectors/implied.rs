//! The volatility that a price implies.

use pricing::implied_volatility;

use crate::table::{Row, Table};

const ROWS: &str = "
    kind,type,F,K,T,r,price,sigma,rel_cond
    otm,P,100.0,99.99,0.00011415525114155251,0.05,0.8474331329805019,1.9999999999999999,1.3e-16
    otm,C,100.0,400.0,1.0,0.05,0.39068454673407144,0.59999999999999998,1.84e-17
    otm,P,100.0,85.0,0.0027397260273972603,0.0,7.290907572322841e-56,0.20000000000000001,5.09e-19
    otm,C,100.0,105.0,0.019178082191780823,0.05,8.903813086258754e-14,0.050000000000000003,2.7e-18
    itm,P,100.0,105.0,0.019178082191780823,0.05,6.4594013368523076,0.59999999999999992,3.11e-16
    itm,P,100.0,100.01,0.019178082191780823,0.0,3.3190649288016596,0.59999999999999995,1.34e-16
    itm,P,100.0,105.0,1.0,0.05,68.95502879284254,1.9999999999999997,3.01e-16
    extreme,P,100.0,99.91496728487365,1.0,0.0,4.908149812501547e-44,6.3920974517857142e-5,1.13e-18
    extreme,C,100.0,100.01916983826985,1.0,0.0,2.0528934927949323e-05,7.9319976689057786e-5,1.98e-17
    extreme,P,100.0,99.80945783369886,1.0,0.0,5.680813107485809e-128,8.0464222763230517e-5,3.19e-19
    extreme,P,100.0,99.99214669762365,1.0,0.0,1.3048671016114848e-34,6.8915851054100629e-6,1.23e-18
    intrinsic,C,100.0,90.0,0.5,0.0,10.0,0.0,nan
    intrinsic,C,100.0,110.0,0.5,0.0,0.0,0.0,nan
    invalid,C,100.0,110.0,0.5,0.0,-1.0,nan,nan
    invalid,C,100.0,110.0,0.5,0.0,nan,nan,nan
    invalid,P,100.0,110.0,0.5,0.0,9.0,nan,nan
    invalid,C,100.0,110.0,0.5,0.0,100.0,nan,nan
    invalid,P,100.0,110.0,0.5,0.0,110.0,nan,nan
";

fn implied(row: &Row<'_>) -> Result<(), String> {
    let it = pricing::Option {
        right: row.right(),
        forward: row.number("F"),
        strike: row.number("K"),
        time: row.number("T"),
        rate: row.number("r"),
        volatility: 0.0,
    };
    let have = implied_volatility(&it, row.number("price"));
    match (row.word("kind"), have) {
        ("invalid", Err(_)) => Ok(()),
        ("invalid", Ok(have)) => Err(format!("{have} for an impossible price")),
        (_, Err(error)) => Err(error.to_string()),
        ("intrinsic", Ok(have)) => {
            if have == 0.0 {
                Ok(())
            } else {
                Err(format!("{have}, not zero"))
            }
        }
        (_, Ok(have)) => {
            let want = row.number("sigma");
            let off = (have / want - 1.0).abs();
            let unit = row.number("rel_cond") + 2.3e-16;
            if off <= 4.0 * unit {
                Ok(())
            } else {
                Err(format!("{have}, off by {:.2} units of {unit:e}", off / unit))
            }
        }
    }
}

#[test]
fn implied_volatilities_are_as_good_as_the_price_allows() {
    Table::parse("written rows", ROWS).check(implied);
    if let Some(table) = Table::shared("implied_vol.csv") {
        table.check(implied);
    }
}
