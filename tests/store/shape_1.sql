CREATE TABLE store_meta (
        application VARCHAR, store_id VARCHAR, schema_version INTEGER, shape VARCHAR, commits BIGINT);
CREATE TABLE pages (
        source VARCHAR, entity VARCHAR, whole BOOLEAN, page BIGINT, visiting BOOLEAN, records INTEGER,
        resume VARCHAR, present VARCHAR, payload VARCHAR);
CREATE TABLE passes (
        source VARCHAR, entity VARCHAR, whole BOOLEAN, started_at TIMESTAMP, resumed_at TIMESTAMP,
        base VARCHAR, fingerprint VARCHAR);
CREATE TABLE outcomes (
        source VARCHAR, entity VARCHAR, fingerprint VARCHAR, cursor VARCHAR, last_success TIMESTAMP,
        last_full TIMESTAMP, watermark TIMESTAMP, failures INTEGER, reason VARCHAR, failed_at TIMESTAMP,
        retry_at TIMESTAMP, seconds DOUBLE);
CREATE TABLE entity_state (entity VARCHAR, version BIGINT, late BIGINT);
CREATE TABLE snapshots (taken_at TIMESTAMP, snapshot BLOB, memory BLOB);
CREATE TABLE "deals" ("source" TEXT, "id" TEXT, "updated_at" TIMESTAMP, "deleted" BOOLEAN, "attributes" TEXT, "name" TEXT, "amount" DECIMAL(24, 6), "currency" TEXT, "pipeline" TEXT, "stage" TEXT, "status" TEXT, "owner" TEXT, "account" TEXT, "origin" TEXT, "created_at" TIMESTAMP, "closed_at" TIMESTAMP);
CREATE TABLE "leads" ("source" TEXT, "id" TEXT, "updated_at" TIMESTAMP, "deleted" BOOLEAN, "attributes" TEXT, "status" TEXT, "origin" TEXT, "owner" TEXT, "created_at" TIMESTAMP, "qualified_at" TIMESTAMP, "converted_at" TIMESTAMP);
CREATE TABLE "activities" ("source" TEXT, "id" TEXT, "updated_at" TIMESTAMP, "deleted" BOOLEAN, "attributes" TEXT, "kind" TEXT, "status" TEXT, "owner" TEXT, "created_at" TIMESTAMP, "due_at" TIMESTAMP, "completed_at" TIMESTAMP);
CREATE TABLE "calls" ("source" TEXT, "id" TEXT, "updated_at" TIMESTAMP, "deleted" BOOLEAN, "attributes" TEXT, "direction" TEXT, "status" TEXT, "queue" TEXT, "agent" TEXT, "started_at" TIMESTAMP, "answered_at" TIMESTAMP, "ended_at" TIMESTAMP, "wait_seconds" DOUBLE, "talk_seconds" DOUBLE, "hold_seconds" DOUBLE, "wrap_seconds" DOUBLE, "resolved" BOOLEAN, "satisfaction" DOUBLE);
CREATE TABLE "tickets" ("source" TEXT, "id" TEXT, "updated_at" TIMESTAMP, "deleted" BOOLEAN, "attributes" TEXT, "status" TEXT, "priority" TEXT, "channel" TEXT, "queue" TEXT, "agent" TEXT, "created_at" TIMESTAMP, "first_reply_at" TIMESTAMP, "solved_at" TIMESTAMP, "reopens" DOUBLE, "satisfaction" DOUBLE);
CREATE TABLE "surveys" ("source" TEXT, "id" TEXT, "updated_at" TIMESTAMP, "deleted" BOOLEAN, "attributes" TEXT, "kind" TEXT, "score" DOUBLE, "scale_max" DOUBLE, "agent" TEXT, "answered_at" TIMESTAMP);
CREATE TABLE "invoices" ("source" TEXT, "id" TEXT, "updated_at" TIMESTAMP, "deleted" BOOLEAN, "attributes" TEXT, "kind" TEXT, "status" TEXT, "customer" TEXT, "amount" DECIMAL(24, 6), "currency" TEXT, "issued_at" TIMESTAMP, "due_at" TIMESTAMP, "paid_at" TIMESTAMP);
CREATE TABLE "payments" ("source" TEXT, "id" TEXT, "updated_at" TIMESTAMP, "deleted" BOOLEAN, "attributes" TEXT, "status" TEXT, "customer" TEXT, "amount" DECIMAL(24, 6), "refunded" DECIMAL(24, 6), "currency" TEXT, "paid_at" TIMESTAMP);
CREATE TABLE "subscriptions" ("source" TEXT, "id" TEXT, "updated_at" TIMESTAMP, "deleted" BOOLEAN, "attributes" TEXT, "status" TEXT, "customer" TEXT, "plan" TEXT, "monthly_amount" DECIMAL(24, 6), "currency" TEXT, "started_at" TIMESTAMP, "ended_at" TIMESTAMP);
CREATE TABLE "people" ("source" TEXT, "id" TEXT, "updated_at" TIMESTAMP, "deleted" BOOLEAN, "attributes" TEXT, "name" TEXT, "email" TEXT, "team" TEXT, "manager" TEXT, "active" BOOLEAN);
CREATE TABLE "measurements" ("source" TEXT, "id" TEXT, "updated_at" TIMESTAMP, "deleted" BOOLEAN, "attributes" TEXT, "name" TEXT, "value" DOUBLE, "at" TIMESTAMP);
