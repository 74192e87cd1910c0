//! PhotonDB: the embeddable library and the server binary.
