//! Heston, SABR and SVI.

use pricing::{European, Heston, Market, Sabr, Svi, heston};

use crate::table::{Row, Table, near};

// QuantLib 1.44 and mpmath.
const HESTON: &str = "
    type,S,K,days,T,r,q,v0,kappa,theta,vol_of_vol,rho,price
    C,100.0,75.0,365,1.0,0.05,0.0,0.6,3.0,0.5,1.0,-0.4,40.97794790847223
    C,100.0,90.0,365,1.0,0.02,0.04,0.09,0.5,0.09,1.0,-0.9,13.560432103365047
    P,100.0,110.0,365,1.0,0.02,0.04,0.09,0.5,0.09,1.0,-0.9,13.249805742855608
    P,100.0,130.0,730,2.0,0.02,0.04,0.04,1.5,0.04,0.3,-0.7,33.52758408487211
    P,100.0,110.0,30,0.0821917808219178,0.05,0.0,0.6,3.0,0.5,1.0,-0.4,14.534829005289907
";

const SABR: &str = "
    F,K,T,alpha,beta,nu,rho,black_vol
    100.0,120.0,0.25,0.8,1.0,1.2,-0.1,0.8178298873986533
    0.03,0.036,0.25,0.34641016151377546,0.5,0.6,-0.4,1.8908277048600937
    0.03,0.045,0.25,0.34641016151377546,0.5,0.6,-0.4,1.7611200968821674
    100.0,95.0,5.0,0.2,1.0,0.4,-0.3,0.20899516781724553
    100.0,100.0,0.019178082191780823,0.8,1.0,1.2,-0.1,0.8014452602739726
";

const SVI: &str = "
    a,b,rho,m,sigma,T,k,total_variance,vol,dw_dk,d2w_dk2,durrleman_g
    0.01,0.1,-0.7,0.0,0.1,0.25,0.2,0.018360679774997899,0.27100317175264129,0.019442719099991593,0.089442719099991588,0.83897749631619232
    0.1,0.8,0.0,0.1,0.3,1.0,0.2,0.35298221281347036,0.59412306201112103,0.25298221281347038,2.2768399153212333,1.9508885566755636
    0.1,0.8,0.0,0.1,0.3,1.0,0.4,0.43941125496954284,0.66288102625549846,0.56568542494923808,0.94280904158206332,0.82068721369181552
    0.04,0.4,-0.4,0.05,0.2,1.0,0.8,0.23048349392520049,0.4800869649607251,0.22649397584049852,0.034212468124193506,0.32661305883628343
    0.01,0.1,-0.7,0.0,0.1,0.019178082191780823,0.8,0.034622577482985503,1.343622012179324,0.029227787671366771,0.0019082266859878224,0.43340916822003701
";

fn heston_row(row: &Row<'_>) -> Result<(), String> {
    let model = Heston {
        variance: row.number("v0"),
        speed: row.number("kappa"),
        mean: row.number("theta"),
        nu: row.number("vol_of_vol"),
        rho: row.number("rho"),
    };
    let terms = European { right: row.right(), strike: row.number("K"), time: row.number("T") };
    let market =
        Market { spot: row.number("S"), rate: row.number("r"), dividend: row.number("q"), volatility: 0.0 };
    let have = heston(&terms, &market, &model).map_err(|error| error.to_string())?;
    near(row, "price", have.price, 1e-7 * row.number("S"))
}

fn sabr_row(row: &Row<'_>) -> Result<(), String> {
    let model = Sabr {
        alpha: row.number("alpha"),
        beta: row.number("beta"),
        nu: row.number("nu"),
        rho: row.number("rho"),
    };
    let have = model
        .volatility(row.number("F"), row.number("K"), row.number("T"))
        .map_err(|error| error.to_string())?;
    near(row, "black_vol", have, 1e-12 * row.number("black_vol"))
}

fn svi_row(row: &Row<'_>) -> Result<(), String> {
    let model = Svi {
        a: row.number("a"),
        b: row.number("b"),
        rho: row.number("rho"),
        m: row.number("m"),
        sigma: row.number("sigma"),
    };
    model.check().map_err(|error| error.to_string())?;
    let (k, time) = (row.number("k"), row.number("T"));
    let have = model.at(k);
    near(row, "total_variance", have.total_variance, 1e-12)?;
    near(row, "vol", model.volatility(k, time), 1e-12)?;
    near(row, "dw_dk", have.slope, 1e-12)?;
    near(row, "d2w_dk2", have.curvature, 1e-12)?;
    near(row, "durrleman_g", have.durrleman, 1e-12)
}

fn hold(file: &str, written: &str, check: impl Fn(&Row<'_>) -> Result<(), String>) {
    Table::parse("written rows", written).check(&check);
    if let Some(table) = Table::shared(file) {
        table.check(check);
    }
}

#[test]
fn heston_holds() {
    hold("heston.csv", HESTON, heston_row);
}

#[test]
fn sabr_holds() {
    hold("sabr_hagan.csv", SABR, sabr_row);
}

#[test]
fn svi_holds() {
    hold("svi_raw.csv", SVI, svi_row);
}
