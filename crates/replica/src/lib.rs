//! One pure validator: worker, dag, ordering, exchange and tree composed, without IO.
