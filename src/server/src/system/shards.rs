//! Where the parts of a table are, as rows of `table_config` tell it.

use photondb_base::{IdentifierFormat, TableId};
use photondb_catalog::{Server, ServerId, ShardConfig};
use photondb_datum::{Datum, Text};
use photondb_reql::ReqlError;

use super::fields::{self, Fields, items, within};

/// Reads the shards of a row. There is one server, and every shard is on it.
pub(super) fn parse(
    datum: &Datum,
    server: &Server,
    format: IdentifierFormat,
) -> Result<Vec<ShardConfig>, ReqlError> {
    let shards = items(datum)
        .and_then(|shards| {
            shards.iter().map(|shard| parse_shard(shard, server, format)).collect::<Result<Vec<_>, _>>()
        })
        .map_err(within("shards"))?;
    if shards.is_empty() {
        return Err(ReqlError::op_failed("In `shards`: You must specify at least one shard."));
    }
    Ok(shards)
}

fn parse_shard(datum: &Datum, server: &Server, format: IdentifierFormat) -> Result<ShardConfig, ReqlError> {
    let mut fields = Fields::of(datum)?;
    let servers = |datum: &Datum, field| servers(datum, server, format).map_err(within(field));
    let replicas = servers(&fields.require("replicas")?, "replicas")?;
    if replicas.is_empty() {
        return Err(ReqlError::op_failed("You must specify at least one replica for each shard."));
    }
    let nonvoting = match fields.take("nonvoting_replicas") {
        Some(datum) => servers(&datum, "nonvoting_replicas")?,
        None => Vec::new(),
    };
    if nonvoting.iter().any(|server| !replicas.contains(server)) {
        return Err(ReqlError::op_failed(
            "Every server listed in the `nonvoting_replicas` field must also appear in `replicas`.",
        ));
    }
    let primary =
        server_id(&fields.require("primary_replica")?, server, format).map_err(within("primary_replica"))?;
    if !replicas.contains(&primary) {
        return Err(ReqlError::op_failed(format!(
            "The server listed in the `primary_replica` field (`{}`) must also appear in `replicas`.",
            server.name
        )));
    }
    if nonvoting.contains(&primary) {
        return Err(ReqlError::op_failed(format!(
            "The primary replica (`{}`) must not be a nonvoting replica.",
            server.name
        )));
    }
    fields.finish()?;
    Ok(ShardConfig { primary, replicas, nonvoting })
}

fn servers(datum: &Datum, server: &Server, format: IdentifierFormat) -> Result<Vec<ServerId>, ReqlError> {
    let mut servers = Vec::new();
    for item in items(datum)? {
        let id = server_id(&item, server, format)?;
        if servers.contains(&id) {
            return Err(ReqlError::op_failed(format!("Server `{}` is listed more than once.", server.name)));
        }
        servers.push(id);
    }
    Ok(servers)
}

fn server_id(datum: &Datum, server: &Server, format: IdentifierFormat) -> Result<ServerId, ReqlError> {
    match format {
        IdentifierFormat::Name => {
            let name: Text = fields::name(datum, "server name")?;
            if name == server.name {
                return Ok(server.id);
            }
            Err(ReqlError::op_failed(format!("Server `{name}` does not exist or is not connected.")))
        }
        IdentifierFormat::Uuid => {
            let id = fields::uuid(datum, |text| TableId::parse(text).map(|id| ServerId(id.0)))?;
            if id == server.id {
                return Ok(id);
            }
            Err(ReqlError::op_failed(format!("There is no server with UUID `{id}`.")))
        }
    }
}
